import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../lib/exec.ts'
import { beginWord } from './supervisor.ts'

let base: string
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'fairway-supervisor-'))
})
afterAll(() => rmSync(base, { recursive: true }))

const supervisor = (input: string) =>
  run(process.execPath, [join(import.meta.dirname, 'supervisor-main.ts'), join(base, 'none'), base, 'none'], { input })

test('a supervisor whose maker goes away before the word to begin ends, and touches nothing', async () => {
  expect(await supervisor('')).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('with the word it begins: here with looking for its cluster', async () => {
  const { code, stderr } = await supervisor(beginWord)
  expect(code).toBe(1)
  expect(stderr).toContain('no cluster "none"')
})
