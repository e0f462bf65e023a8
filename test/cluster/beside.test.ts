/** Two clusters on one machine, and one in the foreground. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { assertSandbox, eventually, fairway, root, startCluster } from '../harness.ts'

const base = process.env['FAIRWAY_STATE_DIR'] ?? '/var/lib/fairway'
const ranges = ['--service-cidr', '10.112.0.0/16', '--pod-cidr', '10.245.0.0/16', '--node-cidr', '172.31.0.0/24']

beforeAll(assertSandbox)
afterEach(async () => {
  await fairway('down')
  await fairway('down', '--name', 'b')
})

const nodesOf = async (context: string) =>
  (await run('kubectl', ['--context', context, 'get', 'nodes', '-o', 'name', '--request-timeout=5s'])).stdout

test('a second cluster needs ranges of its own, and lives on when the first goes', async () => {
  await startCluster()
  const same = await fairway('up', '--name', 'b')
  expect(same.stderr).toMatch(/--service-cidr 10\.96\.0\.0\/12 overlaps 10\.96\.0\.0\/12, which this machine uses/)
  const second = await fairway('up', '--name', 'b', '--nodes', '2', ...ranges)
  expect(second.stderr).toBe('')
  expect(await nodesOf('fairway')).toBe('node/node-1\n')
  expect((await fairway('down')).code).toBe(0)
  expect(await nodesOf('fairway-b')).toBe('node/node-1\nnode/node-2\n')
})

test('the switch is the same to everybody whatever nodes go and come', async () => {
  await startCluster('--nodes', '2')
  await fairway('exec', '--outside', '--', 'true')
  for (const action of ['stop', 'start']) {
    expect((await fairway('node', action, 'node-2')).stderr).toBe('')
    expect(await nodesOf('fairway')).toBe('node/node-1\nnode/node-2\n')
  }
})

test('in the foreground, the cluster is watched over and taken down on Ctrl-C', async () => {
  const child = spawn(join(root, 'bin/fairway'), ['up', '--foreground', '--nodes', '2'], { stdio: 'pipe' })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  await eventually('the cluster', async () => text.includes('running; Ctrl-C takes the cluster down'), 40_000)
  expect((await fairway('status')).stdout).toMatch(/^supervisor +running /m)
  expect((await fairway('up')).stderr).toContain('cluster fairway is running already')
  const pidOf = () => Number(readFileSync(`${base}/fairway/run/node-1.pid`, 'utf8'))
  const pid = pidOf()
  process.kill(pid, 'SIGKILL')
  await eventually('another agent', async () => pidOf() !== pid)
  await fairway('node', 'stop', 'node-2')
  expect((await fairway('node', 'start', 'node-2')).stdout).toMatch(/^node-2 is Ready/)
  child.kill('SIGINT')
  expect(await ended).toBe(0)
  expect(text).toContain('nothing of it is left')
  expect(readdirSync('/run/netns')).toEqual([])
})
