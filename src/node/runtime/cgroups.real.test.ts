/** Control groups of this machine, as an agent finds and leaves them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { runOk } from '../../lib/exec.ts'
import { Cgroups } from './cgroups.ts'

const parent = 'fairway/fw-cgroups'
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function sleeperIn(directories: readonly string[]): ChildProcess {
  const child = spawn('sleep', ['1000'])
  children.push(child)
  for (const directory of directories) writeFileSync(join(directory, 'cgroup.procs'), `${child.pid}`)
  return child
}

test('what pods left that are not on record is taken away, with what runs in it', async () => {
  const groups = new Cgroups()
  const limits = { cpuShares: 2, memoryBytes: 64 * 1024 * 1024 }
  const [gone, kept] = ['gone', 'kept'].map((uid) => {
    groups.make(`${parent}/pod${uid}`, limits, 'parent')
    return groups.make(`${parent}/pod${uid}/main-0`, limits, 'leaf').map(({ directory }) => directory)
  })
  const ended = once(sleeperIn(gone ?? []), 'exit')
  const other = sleeperIn(kept ?? [])
  const next = new Cgroups()
  await next.prepare(parent, ['kept'])
  expect((await ended)[1]).toBe('SIGKILL')
  expect(gone?.filter((path) => existsSync(path))).toEqual([])
  expect(kept?.every((path) => existsSync(path))).toBe(true)
  expect(other.exitCode ?? other.signalCode).toBe(null)
  await Promise.all([once(other, 'exit'), next.remove(`${parent}/podkept`)])
  expect(kept?.map((path) => join(path, '../..')).filter((path) => existsSync(path))).toEqual([])
})

test('what cannot be written to is not used', async () => {
  const mount = mkdtempSync(join(tmpdir(), 'fairway-cgroups-'))
  await runOk('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', mount])
  const groups = new Cgroups([{ version: 1, mount, controllers: ['memory'] }])
  expect(groups.missing).toEqual(['cpu'])
  await groups.prepare(parent, [])
  expect(groups.missing).toEqual(['cpu', 'memory'])
  expect(groups.make(`${parent}/podx/main-0`, { cpuShares: 2 }, 'leaf')).toEqual([])
  await runOk('umount', [mount])
  rmdirSync(mount)
})
