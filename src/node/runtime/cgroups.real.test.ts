/** Control groups of this machine, as an agent finds and leaves them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
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

test('v2: every parent passes the controllers on, the leaf ends as a whole', async () => {
  // Machines that have v1 beside it have nothing of v2 to try it with: its files are ordinary ones here.
  const mount = mkdtempSync(join(tmpdir(), 'fairway-cgroups-'))
  const groups = new Cgroups([{ version: 2, mount, controllers: ['cpu', 'memory'] }])
  const limits = { cpuShares: 1024, cpuQuotaUs: 50_000, memoryBytes: 1024 }
  groups.make(`${parent}/podx`, limits, 'parent')
  const [leaf] = groups.make(`${parent}/podx/main-0`, limits, 'leaf')
  const text = (path: string) => readFileSync(join(mount, path), 'utf8')
  for (const path of ['.', 'fairway', parent, `${parent}/podx`]) {
    expect(text(`${path}/cgroup.subtree_control`), path).toBe('+cpu +memory')
  }
  expect(existsSync(join(mount, `${parent}/podx/main-0/cgroup.subtree_control`)), 'a leaf has processes').toBe(false)
  const names = ['cpu.weight', 'cpu.max', 'memory.max', 'memory.oom.group']
  expect(names.map((name) => text(`${parent}/podx/main-0/${name}`))).toEqual(['100', '50000 100000', '1024', '1'])
  expect(leaf).toEqual({ mount, directory: join(mount, `${parent}/podx/main-0`) })
  writeFileSync(join(mount, `${parent}/podx/main-0/memory.current`), '2000')
  const smaller = { cpuShares: 1024, memoryBytes: 1500 }
  const resize = (memoryBytes: number) =>
    groups.resize(
      { path: `${parent}/podx`, limits: { ...smaller, memoryBytes } },
      { path: `${parent}/podx/main-0`, limits: { ...smaller, memoryBytes } },
    )
  expect(() => resize(1500)).toThrow('attempting to set memory limit (1500) below current usage (2000)')
  expect(text(`${parent}/podx/main-0/memory.max`)).toBe('1024')
  resize(4000)
  expect(text(`${parent}/podx/main-0/memory.max`)).toBe('4000')
  rmSync(mount, { recursive: true })
})
