import { afterEach, describe, expect, test } from 'vitest'
import type { ReplicaSet } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { forbiddenError } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, playAgents, runPod, startHarness, template } from '../testing/harness.ts'
import { startReplicaSetController } from './index.ts'
import { podsToDelete } from './ranking.ts'
import { nextAvailabilityMs, replicaSetStatus } from './status.ts'

const now = new Date('2026-01-01T01:00:00Z')
const labels = { app: 'web' }

function replicaSet(replicas: number): ReplicaSet {
  return {
    metadata: { name: 'web', namespace: 'demo' },
    spec: { replicas, selector: { matchLabels: labels }, template: template(labels) },
  }
}

function pod(name: string, options: { node?: string; phase?: string; ready?: string; cost?: number } = {}): Pod {
  const { node = 'n1', phase = 'Running', ready, cost } = options
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': String(cost) } }),
    },
    spec: { containers: [], ...(node && { nodeName: node }) },
    status: { phase, ...(ready && { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ready }] }) },
  }
}

const long = '2026-01-01T00:00:00Z'
const short = '2026-01-01T00:59:50Z'

describe('the order of deletion', () => {
  const cases: [string, Pod[], string][] = [
    ['without a node first', [pod('a', { ready: long }), pod('b', { node: '', phase: 'Pending' })], 'b'],
    ['pending before running', [pod('a'), pod('b', { phase: 'Pending' })], 'b'],
    ['not ready before ready', [pod('a', { ready: long }), pod('b')], 'b'],
    ['cheap before dear', [pod('a', { ready: long, cost: 5 }), pod('b', { ready: long, cost: -1 })], 'b'],
    ['lately ready before long ready', [pod('a', { ready: long }), pod('b', { ready: short })], 'b'],
    ['by uid in the end', [pod('b', { ready: long }), pod('a', { ready: long })], 'a'],
  ]
  test.each(cases)('%s', (_, pods, victim) => {
    expect(podsToDelete(pods, { count: 1, related: [], now }).map((p) => p.metadata.name)).toEqual([victim])
  })

  test('from the node with most of the siblings', () => {
    const pods = [pod('a', { node: 'n1', ready: long }), pod('b', { node: 'n2', ready: long })]
    const related = [...pods, pod('c', { node: 'n2', ready: long })]
    expect(podsToDelete(pods, { count: 1, related, now })[0]?.metadata.name).toBe('b')
  })
})

describe('status', () => {
  const inputs = { terminating: [], failure: undefined, now }
  test('leaves out what is zero, as Kubernetes does', () => {
    expect(replicaSetStatus(replicaSet(0), { ...inputs, active: [] })).toEqual({ replicas: 0, terminatingReplicas: 0 })
  })
  test('counts ready, available and labelled pods', () => {
    const rs = replicaSet(3)
    const spec = { selector: {}, ...rs.spec, minReadySeconds: 60 }
    const active = [pod('a', { ready: long }), pod('b', { ready: short }), pod('c')]
    active[0]!.metadata.labels = labels
    expect(replicaSetStatus({ ...rs, spec }, { ...inputs, active })).toEqual({
      replicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      fullyLabeledReplicas: 1,
      terminatingReplicas: 0,
    })
    expect(nextAvailabilityMs(active, 60, now)).toBe(50_000)
    expect(nextAvailabilityMs(active, 0, now)).toBeUndefined()
  })
  test('says what failed, once', () => {
    const failure = { reason: 'FailedCreate', message: 'no' } as const
    const first = replicaSetStatus(replicaSet(1), { ...inputs, active: [], failure })
    const later = new Date(now.getTime() + 5000)
    const again = replicaSetStatus({ ...replicaSet(1), status: first }, { ...inputs, active: [], failure, now: later })
    expect(again).toEqual(first)
    expect(first.conditions).toEqual([
      { type: 'ReplicaFailure', status: 'True', lastTransitionTime: '2026-01-01T01:00:00Z', ...failure },
    ])
  })
})

describe('the controller', () => {
  let harness: Harness
  afterEach(() => harness.stop())
  const begin = (api = new FakeApi()) => (harness = startHarness(startReplicaSetController, { api }))

  test('creates pods once, though events come while it creates', async () => {
    const { api, quiet, ctx } = begin()
    playAgents(harness)
    await api.create(resources.replicaSets, replicaSet(20))
    await quiet()
    expect(api.count(/^create pods$/)).toBe(20)
    expect(api.all(resources.replicaSets)[0]?.status).toMatchObject({ replicas: 20, availableReplicas: 20 })
    expect(
      ctx.informers
        .of(resources.pods)
        .list('demo')
        .every((p) => p.metadata.generateName === 'web-'),
    ).toBe(true)
  })

  test('replaces a pod that is deleted or has ended', async () => {
    const { api, quiet } = begin()
    playAgents(harness)
    await api.create(resources.replicaSets, replicaSet(2))
    await quiet()
    const [first, second] = api.all(resources.pods)
    await api.delete(resources.pods, first!.metadata)
    await api.patch(resources.pods, second!.metadata, { status: { phase: 'Failed' } }, { subresource: 'status' })
    await quiet()
    expect(api.all(resources.pods).filter((p) => p.status?.phase === 'Running')).toHaveLength(2)
  })

  test('adopts a matching orphan and lets go of a pod that stopped matching', async () => {
    const { api, quiet } = begin()
    const orphan = { metadata: { name: 'mine', namespace: 'demo', labels }, spec: { containers: [] } }
    await api.create(resources.pods, orphan)
    await api.create(resources.replicaSets, replicaSet(1))
    await quiet()
    expect(api.all(resources.pods)).toHaveLength(1)
    expect(api.all(resources.pods)[0]?.metadata.ownerReferences?.[0]).toMatchObject({ name: 'web', controller: true })
    await api.patch(resources.pods, orphan.metadata, { metadata: { labels: { app: 'other' } } })
    await quiet()
    const released = await api.get(resources.pods, orphan.metadata)
    expect(released.metadata.ownerReferences ?? []).toEqual([])
    expect(api.all(resources.pods)).toHaveLength(2)
  })

  test('tries one pod when creating is refused, reports it, and recovers', async () => {
    const api = new FakeApi()
    let refused = 0
    let forbid = true
    api.refuse = (write) => {
      if (write !== 'create pods' || !forbid) return
      refused++
      throw forbiddenError({ group: '', resource: 'pods' }, '', 'quota')
    }
    const { until, quiet } = begin(api)
    await api.create(resources.replicaSets, replicaSet(50))
    const failure = () => api.all(resources.replicaSets)[0]?.status?.conditions?.[0]
    await until('the failure is reported', () => failure()?.reason === 'FailedCreate')
    expect(refused).toBeLessThan(5)
    expect(failure()?.message).toBe('pods is forbidden: quota')
    forbid = false
    await until('all pods exist', () => api.all(resources.pods).length === 50)
    await quiet()
    expect(failure()).toBeUndefined()
  })

  test('scales down pods that are not ready first', async () => {
    const { api, quiet } = begin()
    await api.create(resources.replicaSets, replicaSet(3))
    await quiet()
    const [a, b] = api.all(resources.pods)
    await runPod(api, a!)
    await runPod(api, b!)
    await api.patch(resources.replicaSets, { namespace: 'demo', name: 'web' }, { spec: { replicas: 2 } })
    await quiet()
    expect(api.all(resources.pods).map((p) => p.metadata.name)).toEqual([a!.metadata.name, b!.metadata.name])
  })
})
