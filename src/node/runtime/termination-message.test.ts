import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { terminationMessage } from './termination-message.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fairway-message-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

interface Options {
  readonly message: string
  readonly failed: boolean
  readonly fallback: 'none' | 'log'
}

/** Lines of the log as the shim writes them, `P` where no line feed came. */
function said(lines: readonly string[], { message = '', ...options }: Partial<Options> = {}) {
  const paths = { message: join(directory, 'message'), log: join(directory, 'log') }
  writeFileSync(paths.message, message)
  writeFileSync(paths.log, lines.map((line) => `2026-01-01T00:00:00.000000001Z ${line}\n`).join(''))
  return terminationMessage(paths, { failed: true, fallback: 'log', ...options })
}

test('the end of the log is what the program wrote, with a line feed only where it wrote one', () => {
  expect(said(['stdout P DONE'])).toBe('DONE')
  expect(said(['stdout F a', 'stderr F b'])).toBe('a\nb\n')
  expect(said(['stdout P tw', 'stdout F o', 'stdout P end'])).toBe('two\nend')
})

test('of a long log, the last 80 lines and the last 2048 bytes', () => {
  const lines = Array.from({ length: 100 }, (_, index) => `stdout F ${index}`)
  expect(said(lines)).toBe(Array.from({ length: 80 }, (_, index) => `${index + 20}\n`).join(''))
  expect(said([`stdout F ${'a'.repeat(3000)}`, `stdout F ${'b'.repeat(2000)}`])).toBe(
    `${'a'.repeat(46)}\n${'b'.repeat(2000)}\n`,
  )
})

test('the log counts for a failed run without a word of its own, where it is asked for', () => {
  const log = ['stdout F log']
  expect(said(log, { message: 'own' })).toBe('own')
  expect(said(log, { failed: false })).toBe('')
  expect(said(log, { fallback: 'none' })).toBe('')
})
