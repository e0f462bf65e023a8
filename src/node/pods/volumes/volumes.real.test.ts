/** What volumes made of API objects and on the node's disk hold, and how that follows what they are made of. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Container, Event, Pod, Volume } from '../../../api/generated/v1.ts'
import { runOk } from '../../../lib/exec.ts'
import { podsPath, type TestAgent, TestNode } from '../../testing/node.ts'

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
    expect(await agent.output(uid, 'cat /v/a /v/b /one/a; stat -Lc %a /v/a; stat -c %a /v')).toBe('111640\n777\n')
    put('configmaps', 'live', { data: { a: '2', c: '2' } })
    await expect.poll(() => agent.output(uid, 'cat /v/a /v/c; ls /v')).toBe('22a\nc\n')
    expect(await agent.output(uid, 'cat /one/a')).toBe('1')
    await node.deletePod('live')
  })

  test("the downward API: the pod's own labels", async () => {
    const items = [
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } },
    ]
    const uid = await running('downward', { downwardAPI: { items } })
    expect(await agent.output(uid, 'cat /v/labels; cat /v/cpu')).toBe('4')
    const pod = node.pod('downward') as Pod
    node.api.put(podsPath, { ...pod, metadata: { ...pod.metadata, labels: { app: 'web' } } })
    await expect.poll(() => agent.output(uid, 'cat /v/labels')).toBe('app="web"')
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
    expect(await agent.output(uid, 'cat /v/deep/file /v/s; stat -Lc %a /v/deep/file /v')).toBe('onetwo400\n1777\n')
    put('secrets', 'absent', { data: { late: Buffer.from('three').toString('base64') } })
    await expect.poll(() => agent.output(uid, 'cat /v/late')).toBe('three')
    await node.deletePod('projected')
  })

  test('an agent that comes later goes on with them', async () => {
    put('configmaps', 'kept', { data: { a: '1' } })
    const uid = await running('kept', { configMap: { name: 'kept' } })
    agent.stop()
    put('configmaps', 'kept', { data: { a: '2' } })
    agent = await node.startAgent()
    await expect.poll(() => agent.output(uid, 'cat /v/a')).toBe('2')
    put('configmaps', 'kept', { data: { a: '3' } })
    await expect.poll(() => agent.output(uid, 'cat /v/a')).toBe('3')
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
    expect(await agent.output(uid, 'cat /v/token')).toMatch(/^robot-\d+$/)
    expect(node.api.tokenRequests.slice(before).map(({ spec }) => spec)).toEqual([
      { audiences: [], expirationSeconds: 3607, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'token', uid } },
    ])
    await node.deletePod('token')
  })

  test("is for the pod's user and group alone", async () => {
    const securityContext = { runAsUser: 1000, fsGroup: 2000 }
    const uid = await running('private', token, { securityContext })
    expect(await agent.output(uid, 'id -G; stat -Lc "%u %g %a" /v/token; cat /v/token')).toMatch(
      /^0 2000\n1000 2000 640\ndefault-\d+$/,
    )
    await node.deletePod('private')
  })
})

describe('an emptyDir', () => {
  test("belongs to the pod's group, and is in memory on request", async () => {
    const emptyDir = { medium: 'Memory', sizeLimit: '1Mi' }
    const uid = await running('empty', { emptyDir }, { securityContext: { runAsUser: 1000, fsGroup: 2000 } })
    expect(await agent.output(uid, 'stat -c "%g %a" /v; touch /v/x && stat -c %g /v/x; df -k /v | tail -1')).toMatch(
      /^2000 3777\n2000\ntmpfs +1024 /,
    )
    await node.deletePod('empty')
  })

  test('in memory holds no more than its pod, also where the state of the node is in memory', async () => {
    const shared = await TestNode.prepare({ directory: '/dev/shm' })
    const own = await shared.startAgent()
    try {
      const volumes = [{ name: 'v', emptyDir: { medium: 'Memory' } }]
      const resources = { limits: { memory: '32Mi' } }
      const volumeMounts = [{ name: 'v', mountPath: '/v' }]
      const uid = shared.createPod('bounded', { ...sleeping, resources, volumeMounts }, { volumes })
      await shared.untilRunning('bounded')
      const { file, args } = own.runtime.execCommand(uid, 'main', { command: ['df', '-k', '/v'], tty: false })
      expect(await runOk(file, [...args])).toMatch(/\ntmpfs +32768 /)
      await shared.deletePod('bounded')
    } finally {
      own.stop()
      await shared.remove()
    }
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
  expect(await agent.output(uid, 'echo "$A"; ls -d /v 2>&1')).toMatch(/^made here\n.*No such/)
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
