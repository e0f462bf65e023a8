import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Container, Event, Pod, Volume } from '../../../api/generated/v1.ts'
import { runOk } from '../../../lib/exec.ts'
import { podsPath, type TestAgent, TestNode } from '../../testing/node.ts'
import { execIn } from '../start.ts'

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

function put(kind: 'configmaps' | 'secrets', name: string, object: object): void {
  node.api.put(`/api/v1/namespaces/default/${kind}`, { metadata: { name, namespace: 'default' }, ...object })
}

async function output(uid: string, script: string): Promise<string> {
  const request = { uid, container: 'main', command: ['sh', '-c', script], timeoutMs: 5000 }
  return (await execIn(agent.runtime, request)).output
}

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

describe('what a pod is made of changes in its volumes', () => {
  test('a ConfigMap, all keys at once; not where a subPath was mounted', async () => {
    put('configmaps', 'live', { data: { a: '1', b: '1' } })
    const mounts = [
      { name: 'v', mountPath: '/v' },
      { name: 'v', mountPath: '/one/a', subPath: 'a' },
    ]
    const volumes = [{ name: 'v', configMap: { name: 'live', defaultMode: 0o640 } }]
    const uid = node.createPod('live', { ...sleeping, volumeMounts: mounts }, { volumes })
    await node.untilRunning('live')
    expect(await output(uid, 'cat /v/a /v/b /one/a; stat -Lc %a /v/a; stat -c %a /v')).toBe('111640\n777\n')
    put('configmaps', 'live', { data: { a: '2', c: '2' } })
    await expect.poll(() => output(uid, 'cat /v/a /v/c; ls /v')).toBe('22a\nc\n')
    expect(await output(uid, 'cat /one/a')).toBe('1')
    await node.deletePod('live')
  })

  test("the downward API: the pod's own labels", async () => {
    const items = [
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } },
    ]
    const uid = await running('downward', { downwardAPI: { items } })
    expect(await output(uid, 'cat /v/labels; cat /v/cpu')).toBe('4')
    const pod = node.pod('downward') as Pod
    node.api.put(podsPath, { ...pod, metadata: { ...pod.metadata, labels: { app: 'web' } } })
    await expect.poll(() => output(uid, 'cat /v/labels')).toBe('app="web"')
    await node.deletePod('downward')
  })

  test('a projection of several, which waits for all that is not optional', async () => {
    const sources = [
      { configMap: { name: 'part', items: [{ key: 'k', path: 'deep/file', mode: 0o400 }] } },
      { secret: { name: 'hidden' } },
      { secret: { name: 'absent', optional: true } },
    ]
    const projected = running('projected', { projected: { sources } })
    const message = 'MountVolume.SetUp failed for volume "v" : [configmap "part" not found, secret "hidden" not found]'
    await node.api.until('the failure', () => failures().includes(message))
    expect(node.pod('projected')?.status?.podIP, 'no sandbox before the volumes').toBeUndefined()
    put('configmaps', 'part', { data: { k: 'one' } })
    put('secrets', 'hidden', { data: { s: Buffer.from('two').toString('base64') } })
    const uid = await projected
    expect(await output(uid, 'cat /v/deep/file /v/s; stat -Lc %a /v/deep/file /v')).toBe('onetwo400\n1777\n')
    put('secrets', 'absent', { data: { late: Buffer.from('three').toString('base64') } })
    await expect.poll(() => output(uid, 'cat /v/late')).toBe('three')
    await node.deletePod('projected')
  })

  test('an agent that comes later goes on with them', async () => {
    put('configmaps', 'kept', { data: { a: '1' } })
    const uid = await running('kept', { configMap: { name: 'kept' } })
    agent.stop()
    put('configmaps', 'kept', { data: { a: '2' } })
    agent = await node.startAgent()
    await expect.poll(() => output(uid, 'cat /v/a')).toBe('2')
    put('configmaps', 'kept', { data: { a: '3' } })
    await expect.poll(() => output(uid, 'cat /v/a')).toBe('3')
    await node.deletePod('kept')
    await expect.poll(() => existsSync(join(node.stateDir, '.memory', uid))).toBe(false)
    // Of a pod that the agent did not live to begin.
    agent.stop()
    await runOk('mkdir', [join(node.stateDir, '.memory', 'orphan')])
    agent = await node.startAgent()
    expect(existsSync(join(node.stateDir, '.memory', 'orphan'))).toBe(false)
  })
})

describe('a token of the pod', () => {
  const token = { projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }] } }

  test('is asked for in its name, and bound to it', async () => {
    const before = node.api.tokenRequests.length
    const uid = await running('token', token, { serviceAccountName: 'robot' })
    expect(await output(uid, 'cat /v/token')).toMatch(/^robot-\d+$/)
    expect(node.api.tokenRequests.slice(before).map(({ spec }) => spec)).toEqual([
      { audiences: [], expirationSeconds: 3607, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'token', uid } },
    ])
    await node.deletePod('token')
  })

  test("is for the pod's user and group alone", async () => {
    const securityContext = { runAsUser: 1000, fsGroup: 2000 }
    const uid = await running('private', token, { securityContext })
    expect(await output(uid, 'id -G; stat -Lc "%u %g %a" /v/token; cat /v/token')).toMatch(
      /^0 2000\n1000 2000 640\ndefault-\d+$/,
    )
    await node.deletePod('private')
  })
})

describe('an emptyDir', () => {
  test("belongs to the pod's group, and is in memory on request", async () => {
    const emptyDir = { medium: 'Memory', sizeLimit: '1Mi' }
    const uid = await running('empty', { emptyDir }, { securityContext: { runAsUser: 1000, fsGroup: 2000 } })
    expect(await output(uid, 'stat -c "%g %a" /v; touch /v/x && stat -c %g /v/x; df -k /v | tail -1')).toMatch(
      /^2000 3777\n2000\ntmpfs +1024 /,
    )
    await node.deletePod('empty')
  })
})

test('an init container may write the environment of the others', async () => {
  const init = { name: 'first', image: 'busybox', command: ['sh', '-c', `echo "A='made here'" > /v/env`] }
  const fileKeyRef = { volumeName: 'v', path: 'env', key: 'A' }
  const spec = {
    volumes: [{ name: 'v', emptyDir: {} }],
    initContainers: [{ ...init, volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
  }
  const uid = node.createPod('env', { ...sleeping, env: [{ name: 'A', valueFrom: { fileKeyRef } }] }, spec)
  await node.untilRunning('env')
  expect(await output(uid, 'echo "$A"; ls -d /v 2>&1')).toMatch(/^made here\n.*No such/)
  await node.deletePod('env')
})

test('a pod that fills its emptyDir beyond its limit is evicted', async () => {
  const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }]
  const command = ['sh', '-c', 'head -c 2000000 /dev/zero > /v/big; sleep 1000']
  node.createPod('greedy', { command, volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes })
  await node.api.until('its end', () => node.pod('greedy')?.status?.reason === 'Evicted', 20_000)
  expect(node.pod('greedy')?.status).toMatchObject({
    phase: 'Failed',
    message: 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
  })
  const ended = () => node.pod('greedy')?.status?.containerStatuses?.[0]?.state?.terminated !== undefined
  await node.api.until('its container to be told', ended)
  await node.deletePod('greedy')
})

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
    await output(uid, 'echo hi > /v/x')
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
    expect(await output(uid, 'touch /mine/x; ls /all/users/me')).toBe('x\n')
    await output(uid, 'ln -s /etc /all/out; kill 1')
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
    expect(await output(uids.get('None') ?? '', mount('b')), 'its own').toBe('1\n')
    expect(await output(uids.get('HostToContainer') ?? '', mount('b')), "its own and the host's").toBe('2\n')
    expect(await mounts()).not.toContain(join(directory, 'b'))
    expect(await output(uids.get('Bidirectional') ?? '', mount('c'))).toBe('2\n')
    expect(await mounts()).toContain(join(directory, 'c'))
    for (const name of ['none', 'hosttocontainer', 'bidirectional']) await node.deletePod(name)
  })
})
