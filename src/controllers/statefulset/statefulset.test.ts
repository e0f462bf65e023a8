import { afterEach, describe, expect, test } from 'vitest'
import type { StatefulSet } from '../../api/generated/apps.v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, playAgents, startHarness, template } from '../testing/harness.ts'
import { startStatefulSetController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

function begin({ agents = true, api = new FakeApi() } = {}): Harness {
  harness = startHarness(startStatefulSetController, { api })
  if (agents) playAgents(harness)
  return harness
}

const labels = { app: 'web' }
const at = { namespace: 'demo', name: 'web' }

function statefulSet(spec: Partial<StatefulSet['spec']> = {}): StatefulSet {
  return {
    metadata: { ...at },
    spec: {
      replicas: 3,
      serviceName: 'web',
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: 10,
      selector: { matchLabels: labels },
      template: template(labels),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
  }
}

const names = (api: FakeApi) => api.all(resources.pods).map((pod) => pod.metadata.name)
const images = (api: FakeApi) => api.all(resources.pods).map((pod) => pod.spec?.containers[0]?.image)
const status = (api: FakeApi) => api.all(resources.statefulSets)[0]?.status
const setImage = (api: FakeApi, image: string) =>
  api.patch(resources.statefulSets, at, { spec: { template: { spec: { containers: [{ name: 'web', image }] } } } })

function bill(writes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const write of writes) counts[write] = (counts[write] ?? 0) + 1
  return counts
}

const atMost = (most: number) => expect.toSatisfy((n: number) => n <= most)

test('three replicas: made in order, rolled over, and what that costs in writes', async () => {
  const { api, quiet } = begin()
  await api.create(resources.statefulSets, statefulSet())
  await quiet()
  expect(names(api)).toEqual(['web-0', 'web-1', 'web-2'])
  expect(status(api)).toMatchObject({ replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 })
  expect(bill(api.writes)).toEqual({
    'create statefulsets': 1,
    'create controllerrevisions': 1,
    'create pods': 3,
    'patch pods/status': 3,
    'create events': 3,
    'update statefulsets/status': atMost(4),
  })

  api.writes.length = 0
  await setImage(api, 'web:2')
  await quiet()
  expect(bill(api.writes)).toEqual({
    'patch statefulsets': 1,
    'create controllerrevisions': 1,
    // Three by the controller; the pods have no node, so they go at once.
    'delete pods': 3,
    'create pods': 3,
    'patch pods/status': 3,
    'create events': 3,
    'patch events': 3,
    'update statefulsets/status': atMost(6),
  })
  api.writes.length = 0
  await quiet()
  expect(api.writes).toEqual([])
})

test('the next pod waits until the former one is ready', async () => {
  const { api, quiet } = begin({ agents: false })
  await api.create(resources.statefulSets, statefulSet())
  await quiet()
  expect(names(api)).toEqual(['web-0'])
})

test('a deleted or failed pod comes back under its name', async () => {
  const { api, quiet } = begin()
  await api.create(resources.statefulSets, statefulSet({ replicas: 2 }))
  await quiet()
  const before = api.all(resources.pods).map((pod) => pod.metadata.uid)
  await api.delete(resources.pods, { ...at, name: 'web-0' })
  await api.patch(resources.pods, { ...at, name: 'web-1' }, { status: { phase: 'Failed' } }, { subresource: 'status' })
  await quiet()
  expect(names(api).sort()).toEqual(['web-0', 'web-1'])
  expect(api.all(resources.pods).filter((pod) => before.includes(pod.metadata.uid))).toEqual([])
  expect(api.all(resources.events).map((event) => event.message)).toContain(
    'StatefulSet demo/web is recreating failed Pod web-1',
  )
})

test('a new template goes over all pods, and back again, with one revision for each', async () => {
  const { api, quiet } = begin()
  await api.create(resources.statefulSets, statefulSet())
  await quiet()
  const first = status(api)?.currentRevision
  await setImage(api, 'web:2')
  await quiet()
  expect(images(api)).toEqual(['web:2', 'web:2', 'web:2'])
  expect(status(api)?.currentRevision).toBe(status(api)?.updateRevision)
  expect(status(api)?.currentRevision).not.toBe(first)
  await setImage(api, 'web:1')
  await quiet()
  expect(images(api)).toEqual(['web:1', 'web:1', 'web:1'])
  expect(status(api)?.currentRevision).toBe(first)
  const revisions = api.all(resources.controllerRevisions).map(({ metadata, revision }) => [metadata.name, revision])
  expect(revisions).toHaveLength(2)
  expect(new Map(revisions as [string, number][]).get(first ?? '')).toBe(3)
})

test('a partition splits the set into old and new, also for pods that are replaced', async () => {
  const { api, quiet } = begin()
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }
  await api.create(resources.statefulSets, statefulSet({ updateStrategy }))
  await quiet()
  await setImage(api, 'web:2')
  await quiet()
  await api.delete(resources.pods, { ...at, name: 'web-0' })
  await quiet()
  const byName = Object.fromEntries(
    api.all(resources.pods).map(({ metadata, spec }) => [metadata.name, spec?.containers[0]?.image]),
  )
  expect(byName).toEqual({ 'web-0': 'web:1', 'web-1': 'web:1', 'web-2': 'web:2' })
  expect(status(api)).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 })
})

test('keeps no more old revisions than it should', async () => {
  const { api, quiet } = begin()
  await api.create(resources.statefulSets, statefulSet({ replicas: 1, revisionHistoryLimit: 1 }))
  await quiet()
  for (const image of ['web:2', 'web:3', 'web:4']) {
    await setImage(api, image)
    await quiet()
  }
  expect(api.all(resources.controllerRevisions).map(({ revision }) => revision)).toEqual([3, 4])
})

test('adopts pods and history of a set of its name', async () => {
  const { api, quiet } = begin()
  await api.create(resources.statefulSets, statefulSet({ replicas: 2 }))
  await quiet()
  const before = api.all(resources.pods).map((pod) => pod.metadata.uid)
  await api.delete(resources.statefulSets, at)
  const orphan = { metadata: { ownerReferences: null } }
  for (const { metadata } of api.all(resources.pods)) await api.patch(resources.pods, metadata, orphan)
  for (const { metadata } of api.all(resources.controllerRevisions))
    await api.patch(resources.controllerRevisions, metadata, orphan)
  await api.create(resources.statefulSets, statefulSet({ replicas: 2 }))
  await quiet()
  expect(api.all(resources.pods).map((pod) => pod.metadata.uid)).toEqual(before)
  expect(api.all(resources.controllerRevisions)).toHaveLength(1)
  const { uid } = api.all(resources.statefulSets)[0]?.metadata ?? {}
  for (const { metadata } of [...api.all(resources.pods), ...api.all(resources.controllerRevisions)])
    expect(metadata.ownerReferences?.[0]?.uid).toBe(uid)
})

describe('claim templates', () => {
  const claims = (api: FakeApi) => api.all(resources.persistentVolumeClaims)
  const volumeClaimTemplates = [
    { metadata: { name: 'data', labels: { tier: 'db' } }, spec: { accessModes: ['ReadWriteOnce'] } },
  ]

  test('make a claim for each pod, which outlives the pod', async () => {
    const { api, quiet } = begin()
    const set = statefulSet({ replicas: 2, podManagementPolicy: 'Parallel', volumeClaimTemplates })
    await api.create(resources.statefulSets, set)
    await quiet()
    expect(claims(api).map(({ metadata }) => metadata.name)).toEqual(['data-web-0', 'data-web-1'])
    expect(claims(api)[0]).toMatchObject({
      metadata: { labels: { tier: 'db', ...set.spec?.selector.matchLabels } },
      spec: { accessModes: ['ReadWriteOnce'] },
    })
    expect(claims(api)[0]?.metadata.ownerReferences).toBeUndefined()
    expect(api.all(resources.pods)[0]?.spec?.volumes).toEqual([
      { name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } },
    ])
    expect(api.all(resources.events).map(({ message }) => message)).toContain(
      'create Claim data-web-0 Pod web-0 in StatefulSet web success',
    )
    await api.delete(resources.pods, { namespace: 'demo', name: 'web-0' })
    await quiet()
    expect(names(api)).toContain('web-0')
    expect(claims(api)).toHaveLength(2)
  })

  test('can go with the set, or with pods that are too many', async () => {
    const { api, quiet } = begin()
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete', whenScaled: 'Delete' }
    const spec = {
      replicas: 2,
      podManagementPolicy: 'Parallel',
      volumeClaimTemplates,
      persistentVolumeClaimRetentionPolicy,
    }
    await api.create(resources.statefulSets, statefulSet(spec))
    await quiet()
    const owners = () =>
      claims(api).map(({ metadata }) => metadata.ownerReferences?.map(({ kind, name }) => `${kind} ${name}`))
    expect(owners()).toEqual([['StatefulSet web'], ['StatefulSet web']])
    await api.patch(resources.statefulSets, { namespace: 'demo', name: 'web' }, { spec: { replicas: 1 } })
    await quiet()
    expect(owners()).toEqual([['StatefulSet web'], ['Pod web-1']])
    expect(names(api)).toEqual(['web-0'])
  })

  test('wait for a claim that is on its way out', async () => {
    const { api, quiet } = begin()
    const at = { namespace: 'demo', name: 'data-web-0' }
    await api.create(resources.persistentVolumeClaims, { metadata: { ...at, finalizers: ['a/b'] }, spec: {} })
    await api.delete(resources.persistentVolumeClaims, at)
    await quiet()
    await api.create(resources.statefulSets, statefulSet({ replicas: 1, volumeClaimTemplates }))
    await quiet()
    expect(names(api)).toEqual([])
    expect(api.all(resources.events)[0]?.message).toBe(
      'create Claim data-web-0 Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted',
    )
  })
})

test('a pod that is refused is reported and tried again', async () => {
  const api = new FakeApi()
  let refuse = true
  api.refuse = (write) => {
    if (write === 'create pods' && refuse) throw new Error('no room')
  }
  const { until } = begin({ api })
  await api.create(resources.statefulSets, statefulSet({ replicas: 1 }))
  const messages = () => api.all(resources.events).map((event) => event.message)
  await until('the failure is reported', () =>
    messages().includes('create Pod web-0 in StatefulSet web failed error: no room'),
  )
  refuse = false
  await until('the pod exists', () => names(api).length === 1)
})
