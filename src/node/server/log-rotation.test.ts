import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LogReader } from './log-files.ts'
import { nextLog, openLogs } from './log-rotation.ts'

let directory: string
let paths: string[]
const opened: LogReader[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fairway-logs-'))
  paths = ['0.log.2', '0.log.1', '0.log'].map((name) => join(directory, name))
})

afterEach(async () => {
  for (const reader of opened.splice(0)) await reader.close()
  rmSync(directory, { recursive: true })
})

/** As shim-run.pl does it. */
function rotate(): void {
  const [older = '', old = '', log = ''] = paths
  renameSync(old, older)
  renameSync(log, old)
  write('0.log')
}

const write = (...names: string[]) => {
  for (const name of names) writeFileSync(join(directory, name), '')
}

const open = async (...names: string[]) => {
  const readers = await openLogs(names.map((name) => join(directory, name)))
  opened.push(...readers)
  return readers
}

test('those that are there are opened in order', async () => {
  write('0.log.1', '0.log')
  const [first] = await open('0.log.1')
  const [second] = await open('0.log')
  const all = await open('0.log.2', '0.log.1', '0.log')
  expect(all.map(({ inode }) => inode)).toEqual([first?.inode, second?.inode])
})

test('the last one has none after it', async () => {
  write('0.log.1', '0.log')
  const [current] = await open('0.log')
  expect(await nextLog(paths, current)).toBeUndefined()
})

test('a reader that two rotations overtook goes on with the file between', async () => {
  write('0.log.1', '0.log')
  const [current] = await open('0.log')
  rotate()
  const [between] = await open('0.log')
  rotate()
  const next = await nextLog(paths, current)
  if (next) opened.push(next)
  expect(next?.inode).toBe(between?.inode)
})

test('a reader whose file is not kept any more goes on with the oldest', async () => {
  write('0.log.2', '0.log.1', '0.log')
  const [oldest] = await open('0.log.2')
  const next = await nextLog(paths, { inode: -1 })
  if (next) opened.push(next)
  expect(next?.inode).toBe(oldest?.inode)
})
