import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeBelow } from './mounts.ts'

let directory: string
let volume: string
let outside: string
let swapper: ChildProcess | undefined

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'fairway-mounts-')))
  volume = join(directory, 'volume')
  outside = join(directory, 'outside')
  for (const path of [volume, outside]) mkdirSync(path)
})

afterEach(async () => {
  if (swapper?.exitCode === null && swapper.signalCode === null) {
    swapper.kill('SIGKILL')
    await once(swapper, 'exit')
  }
  swapper = undefined
  rmSync(directory, { recursive: true })
})

test('directories are made with the mode of the volume, through links that stay in it', () => {
  mkdirSync(join(volume, 'v2'))
  symlinkSync('v2', join(volume, 'current'))
  makeBelow(volume, join(volume, 'current/a/b'), 0o750)
  expect(statSync(join(volume, 'v2/a/b')).mode & 0o777).toBe(0o750)
})

test("the mode is the volume's whatever the process masks", () => {
  makeBelow(volume, join(volume, 'a/b'), 0o2777)
  for (const path of ['a', 'a/b']) expect(statSync(join(volume, path)).mode & 0o7777).toBe(0o2777)
})

test('what is there keeps its mode', () => {
  mkdirSync(join(volume, 'a'), { mode: 0o700 })
  makeBelow(volume, join(volume, 'a/b'), 0o777)
  expect(statSync(join(volume, 'a')).mode & 0o777).toBe(0o700)
})

test('a link that leads out is not followed', () => {
  symlinkSync('../outside', join(volume, 'out'))
  expect(() => makeBelow(volume, join(volume, 'out/a'), 0o755)).toThrow('leaves its volume')
  expect(readdirSync(outside)).toEqual([])
})

test('nor one that takes the place of a directory while others are made below it', async () => {
  mkdirSync(join(volume, 'd'))
  const swap = "rename 'd', 'e'; symlink '../outside', 'd'; unlink 'd'; rename 'e', 'd'"
  swapper = spawn('perl', ['-e', `$| = 1; print 'x'; for (1 .. 1000000) { ${swap} }`], { cwd: volume })
  if (swapper.stdout) await once(swapper.stdout, 'data')
  for (let i = 0; i < 600; i++) {
    try {
      makeBelow(volume, join(volume, `d/${i}/a`), 0o755)
    } catch {
      // It looked while the link was there.
    }
  }
  expect(readdirSync(outside)).toEqual([])
})
