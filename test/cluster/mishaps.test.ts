/** Starts that are interrupted, disks that are full, files that are gone: nothing is left, and the next start works. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { assertSandbox, eventually, example, fairway, root, startCluster } from '../harness.ts'
import { base, kubeconfig, traces } from './traces.fixture.ts'

const program = join(root, 'bin/fairway')
let directory: string
let before: Awaited<ReturnType<typeof traces>>

beforeAll(assertSandbox)
beforeEach(async () => {
  rmSync(kubeconfig, { force: true })
  directory = mkdtempSync(join(tmpdir(), 'fairway-mishaps-'))
  before = await traces()
})
afterEach(async () => {
  await fairway('down')
  for (const path of ['disk', 'state']) await fairway('down', '--state-dir', join(directory, path))
  await run('umount', [join(directory, 'disk')])
  rmSync(directory, { recursive: true })
})

/** `fairway up` that gets `signal` as soon as `moment` has come. */
async function interruptedUp(moment: () => boolean, signal: NodeJS.Signals, ...options: string[]) {
  const child = spawn(program, ['up', ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  while (!moment() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 1))
  child.kill(signal)
  return { code: await ended, stderr }
}

const moments: readonly [string, () => boolean][] = [
  ['its directory is there', () => existsSync(join(base, 'fairway/cluster.json'))],
  ['its networks are being made', () => existsSync('/run/netns/fw-fairway')],
  ['its control plane is starting', () => existsSync(join(base, 'fairway/run/control-plane.pid'))],
  ['its API is there', () => existsSync(join(base, 'fairway/run/control-plane.ready'))],
]

describe.each(moments)('up, when %s', (_, moment) => {
  test.each([[[]], [['--foreground']]])('Ctrl-C removes what was made (%j)', async (options) => {
    const { code, stderr } = await interruptedUp(moment, 'SIGINT', '--wait', ...options)
    expect(stderr).toBe('fairway: interrupted; everything made for it is removed again\n')
    expect(code).toBe(1)
    expect(await traces()).toEqual(before)
  })

  test('what a kill leaves, the next start mends', async () => {
    await interruptedUp(moment, 'SIGKILL')
    // What had been started on its own may get through: then there is a cluster, and `up` says so.
    const next = await fairway('up', '--wait', '--timeout', '30')
    expect(next.stderr).toMatch(/^$|cluster fairway is running already/)
    await eventually('a healthy cluster', async () => (await fairway('status')).code === 0)
  })
})

describe('a disk without room', () => {
  let path: string
  const mount = async (size: string) => {
    path = join(directory, 'disk')
    mkdirSync(path)
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])
    before = await traces()
  }

  test('is no place for a cluster', async () => {
    await mount('8m')
    const result = await fairway('--state-dir', path, 'up')
    expect(result.stderr).toMatch(/^fairway: 8 MiB are free in .*, of 32 that a cluster needs: make room/)
    expect(readdirSync(path)).toEqual([])
    expect(await traces()).toEqual(before)
  })

  test('keeps nobody from taking the cluster down', async () => {
    await mount('40m')
    const inDisk = { env: { KUBECONFIG: join(path, 'kubeconfig') } }
    writeFileSync(inDisk.env.KUBECONFIG, 'apiVersion: v1\nkind: Config\n')
    expect((await run(program, ['--state-dir', path, 'up'], inDisk)).code).toBe(0)
    await run('dd', ['if=/dev/zero', `of=${join(path, 'full')}`, 'bs=64k'])
    const down = await run(program, ['--state-dir', path, 'down'], inDisk)
    expect(down.stderr).toBe('')
    expect(readdirSync(path).sort()).toEqual(['full', 'kubeconfig'])
    expect(await traces()).toEqual(before)
  })
})

describe('without its state', () => {
  const lose: Readonly<Record<string, readonly string[]>> = {
    'cluster.json is damaged': ['truncate', '--size=1', join(base, 'fairway/cluster.json')],
    // What is mounted below cannot go.
    'all files are gone': ['rm', '-rf', join(base, 'fairway')],
  }

  test.each(Object.entries(lose))('(%s) a cluster can be taken down', async (_, [command = '', ...args]) => {
    const cluster = await startCluster()
    await cluster.kubectl('apply', '-f', example('web.yaml'))
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    await run(command, args)
    const down = await fairway('down')
    expect(down.stderr).toBe('')
    // Which kubeconfig has its context is lost, too.
    expect({ ...(await traces()), kubeconfig: '' }).toEqual({ ...before, kubeconfig: '' })
    expect((await fairway('up', '--wait')).stderr).toBe('')
  })

  test('a cluster whose files are gone is made anew', async () => {
    await startCluster()
    await run('rm', ['-rf', join(base, 'fairway')])
    const up = await fairway('up', '--wait', '--timeout', '30')
    expect(up.stderr).toBe('')
    expect(up.stdout).toContain('made anew')
    expect((await fairway('status')).code).toBe(0)
  })
})

test('a state directory may be named from where one is, before and after the command', async () => {
  const fairwayHere = (command: string) => run('sh', ['-c', `cd ${directory} && ${command}`])
  expect((await fairwayHere(`${program} --state-dir state up`)).stderr).toBe('')
  expect((await fairwayHere(`${program} status --state-dir=./state`)).stdout).toMatch(/^control-plane +running/m)
  expect((await fairwayHere(`${program} down --state-dir state`)).stderr).toBe('')
  expect(await traces()).toEqual(before)
})

test.each(['/dev/null', '/dev/null/below'])(
  'where no state can be kept (%s), another directory is asked for',
  async (path) => {
    const up = await fairway('--state-dir', path, 'up')
    expect(up.stderr).toContain(`fairway: no state can be kept in ${path} (`)
    expect(up.stderr).toContain('choose a directory with --state-dir')
    expect((await fairway('--state-dir', path, 'status')).stderr).toContain(`no cluster "fairway" in ${path}`)
  },
)

test('a level of logs that there is not is refused before anything is made', async () => {
  const up = await run(program, ['up'], { env: { FAIRWAY_LOG_LEVEL: 'loud' } })
  expect(up.stderr).toMatch(/^fairway: FAIRWAY_LOG_LEVEL is "loud": choose one of trace, debug, info, /)
  expect(await traces()).toEqual(before)
})

test.each([
  ['a directory', () => directory, /^fairway: kubeconfig .* cannot be read: EISDIR/],
  ['no kubeconfig', () => join(directory, 'list'), /^fairway: kubeconfig .*: not a kubeconfig; everything made/],
])('a KUBECONFIG that is %s ends the start, and nothing is left', async (_, path, message) => {
  writeFileSync(join(directory, 'list'), '- 1\n')
  const up = await run(program, ['up'], { env: { KUBECONFIG: path() } })
  expect(up.stderr).toMatch(message)
  expect(await traces()).toEqual(before)
})

test('a lock whose holder is gone is taken over, of whatever kind it is', async () => {
  mkdirSync(base, { recursive: true })
  symlinkSync('999999999', join(base, '.fairway.lock'))
  expect((await fairway('up')).stderr).toBe('')
  await fairway('down')
  writeFileSync(join(base, '.fairway.lock'), '999999999')
  expect((await fairway('up')).stderr).toBe('')
})
