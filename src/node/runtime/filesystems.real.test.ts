/** Machines whose files lie otherwise than in one plain file system: containers of containers, separate disks. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runOk } from '../../lib/exec.ts'
import { type TestAgent, TestNode } from '../testing/node.ts'

const directory = mkdtempSync(join(tmpdir(), 'fairway-disks-'))

beforeAll(async () => {
  // The layers of an overlay cannot be on another overlay, whatever this machine has.
  await runOk('mount', ['-t', 'tmpfs', 'tmpfs', directory])
})

afterAll(async () => {
  await runOk('umount', ['-R', '-l', directory])
  rmSync(directory, { recursive: true })
})

async function overlay(name: string, lower: string): Promise<string> {
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((part) => join(directory, `${name}-${part}`)) as [
    string,
    string,
    string,
  ]
  for (const path of [upper, work, merged]) mkdirSync(path)
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
  await runOk('mount', ['-t', 'overlay', 'overlay', '-o', layers, merged])
  return merged
}

describe('a state directory on an overlay', () => {
  let node: TestNode
  let agent: TestAgent

  beforeAll(async () => {
    const empty = join(directory, 'empty')
    mkdirSync(empty)
    node = await TestNode.prepare({ directory: await overlay('state', empty) })
    agent = await node.startAgent()
  })

  afterAll(async () => {
    agent.stop()
    await node.remove()
  })

  test('carries pods, whose restarts and removal leave nothing', async () => {
    const uid = node.createPod('web', { command: ['sh', '-c', 'echo > /etc/mine; sleep 1000 & wait'] })
    await node.untilRunning('web')
    agent.runtime.signal(uid, 'main', 'SIGKILL')
    await node.api.until('the restart', () => node.pod('web')?.status?.containerStatuses?.[0]?.restartCount === 1)
    await node.untilRunning('web')
    expect(existsSync('/etc/mine')).toBe(false)
    await node.deletePod('web')
    await expect.poll(() => existsSync(join(node.stateDir, uid))).toBe(false)
  })

  test('has volumes where links lead inside a pod, and not on the machine', async () => {
    const volumeMounts = [{ name: 'v', mountPath: '/var/run/fairway-linked' }]
    const command = [
      'sh',
      '-c',
      'echo x > /var/run/fairway-linked/x && test -e /run/fairway-linked/x && test -L /var/run',
    ]
    node.createPod(
      'linked',
      { command, volumeMounts },
      { volumes: [{ name: 'v', emptyDir: {} }], restartPolicy: 'Never' },
    )
    await node.api.until('its end', () => /Succeeded|Failed/.test(node.pod('linked')?.status?.phase ?? ''))
    expect(node.pod('linked')?.status?.phase).toBe('Succeeded')
    expect(existsSync('/run/fairway-linked')).toBe(false)
    await node.deletePod('linked')
  })
})

/** In a mount namespace of its own; the script sees `$dir`. */
function elsewhere(setup: string): string {
  const script = `
    set -e
    dir=${directory}
    checkout=${resolve(import.meta.dirname, '../../..')}
    ${setup}
    exec "$node" $checkout/src/node/testing/one-pod.ts
  `
  const args = ['--mount', '--propagation', 'private', 'bash', '-c', script]
  const env = { ...process.env, node: process.execPath, NODE_COMPILE_CACHE: '' }
  const { stdout, stderr } = spawnSync('unshare', args, { env, encoding: 'utf8', timeout: 20_000 })
  return stdout + stderr
}

describe('a pod runs', () => {
  const separate = (path: string) => `
    mkdir -p $dir/disk${path}/upper $dir/disk${path}/work
    mount -t overlay overlay -o lowerdir=${path},upperdir=$dir/disk${path}/upper,workdir=$dir/disk${path}/work ${path}`

  test.each([['/usr'], ['/var'], ['/etc']])('where %s is a file system of its own', (path) => {
    expect(elsewhere(separate(path))).toBe('the pod said hello, nginx, localhost\n')
  })

  test('where the whole machine is an overlay', () => {
    const setup = `
      mkdir -p $dir/root/upper $dir/root/work $dir/root/merged
      mount -t overlay overlay -o lowerdir=/,upperdir=$dir/root/upper,workdir=$dir/root/work $dir/root/merged
      for d in proc sys dev run tmp; do mount --rbind /$d $dir/root/merged/$d; done
      cd $dir/root/merged
      mkdir -p put-old
      pivot_root . put-old
      cd /`
    expect(elsewhere(setup)).toBe('the pod said hello, nginx, localhost\n')
  })

  test('from a checkout in a home directory that pods do not see', () => {
    const setup = `
      mount -t tmpfs tmpfs /home
      mkdir -p /home/me/fairway
      mount --bind $checkout /home/me/fairway
      cd /home/me/fairway
      checkout=/home/me/fairway`
    expect(elsewhere(setup)).toBe('the pod said hello, nginx, localhost\n')
  })
})
