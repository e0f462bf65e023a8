/** Where containers see volumes of the machine: hostPaths, subPaths, and what is mounted below them. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Container, Event, Pod, Volume } from '../../../api/generated/v1.ts'
import { runOk } from '../../../lib/exec.ts'
import { type TestAgent, TestNode } from '../../testing/node.ts'

let node: TestNode
let agent: TestAgent

beforeAll(async () => {
  node = await TestNode.prepare()
  agent = await node.startAgent()
})

afterAll(async () => {
  agent.stop()
  await node.remove()
})

const sleeping: Partial<Container> = { command: ['sleep', '1000'] }

function failures(): (string | undefined)[] {
  const events = node.api.list<Event>('/api/v1/events')
  return events.filter(({ reason }) => reason === 'FailedMount').map(({ message }) => message)
}

/** A pod that sees `volume` at /v. */
async function running(name: string, volume: Omit<Volume, 'name'>, spec: Partial<NonNullable<Pod['spec']>> = {}) {
  const volumeMounts = [{ name: 'v', mountPath: '/v' }]
  const uid = node.createPod(name, { ...sleeping, volumeMounts }, { volumes: [{ name: 'v', ...volume }], ...spec })
  await node.untilRunning(name)
  return uid
}

describe('a hostPath', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairway-host-'))
    await writeFile(join(directory, 'file'), 'text')
  })
  afterAll(() => rm(directory, { recursive: true }))

  const refused: [type: string, name: string, noun: string][] = [
    ['Directory', 'none', 'directory'],
    ['Directory', 'file', 'directory'],
    ['File', 'none', 'file'],
    ['File', '.', 'file'],
    ['Socket', 'file', 'socket file'],
    ['CharDevice', 'file', 'character device'],
    ['BlockDevice', 'file', 'block device'],
  ]
  test.each(refused)('of type %s refuses %s', async (type, name, noun) => {
    const path = join(directory, name)
    const volumes = [{ name: 'v', hostPath: { path, type } }]
    node.createPod('refused', sleeping, { volumes })
    const message = `MountVolume.SetUp failed for volume "v" : hostPath type check failed: ${path} is not a ${noun}`
    await node.api.until('the failure', () => failures().includes(message))
    await node.deletePod('refused')
  })

  test('makes what it may', async () => {
    const path = join(directory, 'made/deep')
    const uid = await running('made', { hostPath: { path, type: 'DirectoryOrCreate' } })
    await agent.output(uid, 'echo hi > /v/x')
    expect(existsSync(join(path, 'x'))).toBe(true)
    await node.deletePod('made')
  })
})

describe('a subPath', () => {
  test('is made, may come from a variable, and does not leave its volume', async () => {
    const container = {
      ...sleeping,
      env: [{ name: 'WHO', value: 'me' }],
      volumeMounts: [
        { name: 'v', mountPath: '/all' },
        { name: 'v', mountPath: '/mine', subPathExpr: 'users/$(WHO)' },
      ],
    }
    const uid = node.createPod('sub', container, { volumes: [{ name: 'v', emptyDir: {} }] })
    await node.untilRunning('sub')
    expect(await agent.output(uid, 'touch /mine/x; ls /all/users/me')).toBe('x\n')
    await agent.output(uid, 'ln -s /etc /all/out; kill 1')
    await node.deletePod('sub')
    const link = { ...sleeping, volumeMounts: [{ name: 'v', mountPath: '/etc-of-host', subPath: 'out' }] }
    const volumes = [{ name: 'v', emptyDir: {} }]
    const init = { name: 'first', image: 'busybox', command: ['ln', '-s', '/etc', '/v/out'] }
    const initContainers = [{ ...init, volumeMounts: [{ name: 'v', mountPath: '/v' }] }]
    node.createPod('leaving', link, { volumes, initContainers })
    const waiting = () => node.pod('leaving')?.status?.containerStatuses?.[0]?.state?.waiting
    await node.api.until('the refusal', () => waiting()?.reason === 'CreateContainerConfigError')
    expect(waiting()?.message).toBe('failed to prepare subPath for volumeMount "v" of container "main"')
    await node.deletePod('leaving')
  })

  test('that becomes a link between the look at it and its mount is not mounted', async () => {
    const volume = await mkdtemp(join(tmpdir(), 'volume-'))
    const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'))
    const start = agent.runtime.startContainer.bind(agent.runtime)
    const spy = vi.spyOn(agent.runtime, 'startContainer').mockImplementation(async (uid, config) => {
      await rm(join(volume, 'sub'), { recursive: true, force: true })
      await symlink(elsewhere, join(volume, 'sub'))
      return start(uid, config)
    })
    try {
      const volumes = [{ name: 'v', hostPath: { path: volume } }]
      node.createPod(
        'swapped',
        { ...sleeping, volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'sub' }] },
        { volumes },
      )
      const state = () => node.pod('swapped')?.status?.containerStatuses?.[0]?.state
      await node.api.until('an outcome', () =>
        Boolean(state()?.running ?? state()?.terminated ?? state()?.waiting?.message),
      )
      expect(spy).toHaveBeenCalledOnce()
      expect(state()?.running).toBeUndefined()
      const told = JSON.stringify([node.pod('swapped')?.status, node.api.list('/api/v1/events')])
      expect(told).toContain(`${join(volume, 'sub')} leads through a link`)
    } finally {
      spy.mockRestore()
      await node.deletePod('swapped')
      await rm(volume, { recursive: true })
      await rm(elsewhere, { recursive: true })
    }
  })
})

describe('mounts below a volume', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fairway-shared-'))
    await runOk('mount', ['-t', 'tmpfs', 'tmpfs', directory])
    await runOk('mkdir', [join(directory, 'a'), join(directory, 'b'), join(directory, 'c')])
  })
  afterAll(async () => {
    await runOk('umount', ['-R', '-l', directory])
    await rm(directory, { recursive: true })
  })

  const mounting = (mountPropagation: string) => ({
    ...sleeping,
    securityContext: { privileged: true },
    volumeMounts: [{ name: 'v', mountPath: '/v', mountPropagation }],
  })
  const mounts = async () =>
    (await runOk('cat', ['/proc/self/mountinfo'])).split('\n').map((line) => line.split(' ')[4])

  test('are told to the host only where it shares', async () => {
    const volumes = [{ name: 'v', hostPath: { path: directory } }]
    node.createPod('alone', mounting('Bidirectional'), { volumes })
    const waiting = () => node.pod('alone')?.status?.containerStatuses?.[0]?.state?.waiting
    await node.api.until('the refusal', () => waiting()?.reason === 'CreateContainerError')
    expect(waiting()?.message).toContain(
      `path "${directory}" is mounted on "${directory}" but it is not a shared mount`,
    )
    await node.deletePod('alone')
  })

  test('are read-only with it on request', async () => {
    await runOk('mount', ['-t', 'tmpfs', 'tmpfs', join(directory, 'a')])
    const sealed = { name: 'v', mountPath: '/v', readOnly: true, recursiveReadOnly: 'Enabled' }
    const volumeMounts = [sealed, { name: 'v', mountPath: '/w', readOnly: true }]
    const volumes = [{ name: 'v', hostPath: { path: directory } }]
    const uid = node.createPod('sealed', { ...sleeping, volumeMounts }, { volumes })
    await node.untilRunning('sealed')
    const script = 'for d in /v /v/a /w /w/a; do touch $d/x 2>/dev/null && echo $d; done'
    expect(await agent.output(uid, script)).toBe('/w/a\n')
    const told = node.pod('sealed')?.status?.containerStatuses?.[0]?.volumeMounts
    expect(told?.map(({ recursiveReadOnly }) => recursiveReadOnly)).toEqual(['Enabled', 'Disabled'])
    await node.deletePod('sealed')
    await runOk('umount', [join(directory, 'a')])
  })

  test('go as far as is asked for', async () => {
    await runOk('mount', ['--make-shared', directory])
    const volumes = [{ name: 'v', hostPath: { path: directory } }]
    const uids = new Map<string, string>()
    for (const propagation of ['None', 'HostToContainer', 'Bidirectional']) {
      const name = propagation.toLowerCase()
      uids.set(propagation, node.createPod(name, mounting(propagation), { volumes }))
      await node.untilRunning(name)
    }
    await runOk('mount', ['-t', 'tmpfs', 'tmpfs', join(directory, 'a')])
    const mount = (dir: string) => `mount -t tmpfs tmpfs /v/${dir}; grep -c " /v/. " /proc/self/mountinfo`
    expect(await agent.output(uids.get('None') ?? '', mount('b')), 'its own').toBe('1\n')
    expect(await agent.output(uids.get('HostToContainer') ?? '', mount('b')), "its own and the host's").toBe('2\n')
    expect(await mounts()).not.toContain(join(directory, 'b'))
    expect(await agent.output(uids.get('Bidirectional') ?? '', mount('c'))).toBe('2\n')
    expect(await mounts()).toContain(join(directory, 'c'))
    for (const name of ['none', 'hosttocontainer', 'bidirectional']) await node.deletePod(name)
  })
})
