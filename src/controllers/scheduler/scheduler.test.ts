import { afterEach, describe, expect, test } from 'vitest'
import type { Node, Pod, PodSpec } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, node, startHarness } from '../testing/harness.ts'
import { outcome, pod, requesting, sized } from './fixtures.ts'
import { startScheduler } from './index.ts'
import { unavailable, unschedulable } from './message.ts'

const notReady = node('n1', { status: { conditions: [{ type: 'Ready', status: 'False' }] } })
const tainted = node('n1', { spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] } })
const cordoned = node('n1', { spec: { unschedulable: true } })
const zoned = node('n1', { metadata: { name: 'n1', labels: { zone: 'a', cores: '8' } } })
const small = sized('n1', { cpu: '1', memory: '1Gi', pods: '2' })
const required = (key: string, operator: string, values?: string[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, ...(values && { values }) }] }],
      },
    },
  },
})
const byName = (name: string) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
      },
    },
  },
})
const hostPort = (port: number, hostIP?: string) => ({
  containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: port, ...(hostIP && { hostIP }) }] }],
})

describe('a pod and one node', () => {
  const untolerated = 'node(s) had untolerated taint(s)'
  const unmatched = "node(s) didn't match Pod's node affinity/selector"
  const cases: [string, Node, Partial<PodSpec>, Pod[], true | string][] = [
    ['an ordinary one fits', node('n1'), {}, [], true],
    ['a node that is not ready', notReady, {}, [], untolerated],
    ['a daemon that tolerates everything fits there', notReady, { tolerations: [{ operator: 'Exists' }] }, [], true],
    ['a cordoned node', cordoned, {}, [], 'node(s) were unschedulable'],
    ['a taint', tainted, {}, [], untolerated],
    ['a tolerated taint', tainted, { tolerations: [{ key: 'gpu', value: 'yes' }] }, [], true],
    ['a toleration of another value', tainted, { tolerations: [{ key: 'gpu', value: 'no' }] }, [], untolerated],
    ['a selector that matches', zoned, { nodeSelector: { zone: 'a' } }, [], true],
    ['a selector that does not', zoned, { nodeSelector: { zone: 'b' } }, [], unmatched],
    ['affinity In', zoned, required('zone', 'In', ['a', 'b']), [], true],
    ['affinity NotIn', zoned, required('zone', 'NotIn', ['a']), [], unmatched],
    ['affinity Gt', zoned, required('cores', 'Gt', ['4']), [], true],
    ['affinity Lt', zoned, required('cores', 'Lt', ['4']), [], unmatched],
    ['affinity DoesNotExist', zoned, required('disk', 'DoesNotExist'), [], true],
    ['pinned by name', zoned, byName('n1'), [], true],
    ['pinned to another', zoned, byName('n2'), [], unmatched],
    [
      'a host port in use',
      node('n1'),
      hostPort(8080),
      [pod('other', hostPort(8080))],
      "node(s) didn't have free ports for the requested pod ports",
    ],
    [
      'a host port on another address',
      node('n1'),
      hostPort(80, '10.0.0.1'),
      [pod('o', hostPort(80, '10.0.0.2'))],
      true,
    ],
    ['too much cpu', small, requesting({ cpu: '1500m' }), [], 'Insufficient cpu'],
    [
      'what others left is not enough',
      small,
      requesting({ cpu: '600m', memory: '600Mi' }),
      [pod('o', requesting({ cpu: '500m', memory: '600Mi' }))],
      'Insufficient cpu; Insufficient memory',
    ],
    ['a full node', small, {}, [pod('a'), pod('b')], 'Too many pods'],
    ['a device nobody has', small, requesting({ 'x/gpu': '1' }), [], 'Insufficient x/gpu'],
  ]
  test.each(cases)('%s', (_, target, spec, pods, expected) => {
    expect(outcome(pod('p', spec), [{ node: target, pods }])).toEqual(expected === true ? 'n1' : [expected])
  })
})

test('reasons of several nodes are counted and sorted', () => {
  const reasons = [['were unschedulable'], ['Too many pods', 'Insufficient cpu'], ['were unschedulable']]
  expect(unschedulable(unavailable(3, reasons), 'not eligible due to preemptionPolicy=Never.')).toBe(
    '0/3 nodes are available: 1 Insufficient cpu, 1 Too many pods, 2 were unschedulable. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
  )
})

test('the emptiest node wins, preferences first', () => {
  const candidates = [
    { node: zoned, pods: [pod('a'), pod('b')] },
    { node: node('n2'), pods: [pod('c')] },
  ]
  expect(outcome(pod('p'), candidates)).toBe('n2')
  const preference = { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }
  const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference }] }
  expect(outcome(pod('p', { affinity: { nodeAffinity } }), candidates)).toBe('n1')
  const avoided = { ...node('n2'), spec: { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] } }
  expect(
    outcome(pod('p'), [
      { node: zoned, pods: [pod('a')] },
      { node: avoided, pods: [] },
    ]),
  ).toBe('n1')
})

describe('the scheduler', () => {
  let harness: Harness
  afterEach(() => harness.stop())

  test('spreads a burst over the nodes with one write per pod', async () => {
    const api = new FakeApi()
    await api.create(resources.nodes, node('n1'))
    await api.create(resources.nodes, node('n2'))
    for (let i = 0; i < 6; i++) await api.create(resources.pods, pod(`p${i}`))
    await api.create(resources.pods, pod('preset', { nodeName: 'n1' }))
    await api.create(resources.pods, pod('gated', { schedulingGates: [{ name: 'later' }] }))
    await api.create(resources.pods, pod('foreign', { schedulerName: 'other' }))
    harness = startHarness(startScheduler, { api })
    await harness.quiet()
    expect(api.count(/binding/)).toBe(6)
    const on = (name: string) => api.all(resources.pods).filter((p) => p.spec?.nodeName === name).length
    expect([on('n1'), on('n2')]).toEqual([4, 3])
    const events = api.all(resources.events).map((e) => `${e.reason}: ${e.message}`)
    expect(events).toContain('Scheduled: Successfully assigned demo/p0 to n2')
  })

  test('a pod that fits nowhere says so once, and goes as soon as it fits', async () => {
    harness = startHarness(startScheduler)
    const { api, quiet } = harness
    await api.create(resources.pods, pod('p'))
    await quiet()
    await api.create(resources.nodes, notReady)
    await quiet()
    const condition = () => api.all(resources.pods)[0]?.status?.conditions?.[0]
    expect(condition()).toMatchObject({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' })
    expect(condition()?.message).toContain('untolerated taint(s)')
    expect(api.count(/patch pods\/status/)).toBe(2)
    const { metadata } = api.all(resources.nodes)[0] as Node
    await api.updateStatus(resources.nodes, { ...node('n1'), metadata })
    await quiet()
    expect(api.all(resources.pods)[0]?.spec?.nodeName).toBe('n1')
  })

  test('what a resized pod gives back is given to who waits for it', async () => {
    const api = new FakeApi()
    await api.create(resources.nodes, small)
    harness = startHarness(startScheduler, { api })
    await api.create(resources.pods, pod('first', requesting({ cpu: '1' })))
    await harness.quiet()
    await api.create(resources.pods, pod('second', requesting({ cpu: '500m' })))
    await harness.quiet()
    const first = await api.get(resources.pods, pod('first').metadata)
    await api.update(resources.pods, { ...first, spec: { ...first.spec, ...requesting({ cpu: '100m' }) } })
    await harness.quiet()
    expect((await api.get(resources.pods, pod('second').metadata)).spec?.nodeName).toBe('n1')
  })

  test('a host port that becomes free is given to who waits for it', async () => {
    const api = new FakeApi()
    await api.create(resources.nodes, node('n1'))
    harness = startHarness(startScheduler, { api })
    await api.create(resources.pods, pod('first', hostPort(80)))
    await harness.quiet()
    await api.create(resources.pods, pod('second', hostPort(80)))
    await harness.quiet()
    expect((await api.get(resources.pods, pod('second').metadata)).spec?.nodeName).toBeUndefined()
    await api.delete(resources.pods, pod('first').metadata, { gracePeriodSeconds: 0 })
    await harness.quiet()
    expect((await api.get(resources.pods, pod('second').metadata)).spec?.nodeName).toBe('n1')
  })

  test('gives the only place to the pod of the highest priority', async () => {
    harness = startHarness(startScheduler)
    const { api, quiet } = harness
    for (const priority of [1, 7, 5]) await api.create(resources.pods, pod(`p${priority}`, { priority }))
    await quiet()
    const status = { conditions: [{ type: 'Ready', status: 'True' }], allocatable: { pods: '1' } }
    await api.create(resources.nodes, node('n1', { status }))
    await quiet()
    const placed = api.all(resources.pods).filter(({ spec }) => spec?.nodeName)
    expect(placed.map(({ metadata }) => metadata.name)).toEqual(['p7'])
  })

  const get = (api: FakeApi, name: string) => api.get(resources.pods, { namespace: 'demo', name })

  test('ends a lesser pod for one of higher priority, keeps the place for it, and gives it', async () => {
    const api = new FakeApi()
    await api.create(resources.nodes, small)
    harness = startHarness(startScheduler, { api })
    await api.create(resources.pods, pod('low', { priority: 1, ...requesting({ cpu: '1' }) }))
    await harness.quiet()
    const high = { priority: 9, schedulerName: 'default-scheduler', ...requesting({ cpu: '800m' }) }
    await api.create(resources.pods, pod('high', high))
    await harness.quiet()
    const low = await get(api, 'low')
    expect(low.metadata.deletionTimestamp).toBeDefined()
    expect(low.status?.conditions).toMatchObject([
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
      },
    ])
    expect((await get(api, 'high')).status).toMatchObject({
      nominatedNodeName: 'n1',
      conditions: [{ reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient cpu.' }],
    })
    const { uid } = (await get(api, 'high')).metadata
    const events = api.all(resources.events).map(({ involvedObject, message }) => [involvedObject?.name, message])
    expect(events).toContainEqual(['low', `Preempted by pod ${uid} on node n1`])
    await api.create(resources.pods, pod('thief', { priority: 5, ...requesting({ cpu: '500m' }) }))
    await api.delete(resources.pods, low.metadata, { gracePeriodSeconds: 0 })
    await harness.quiet()
    expect((await get(api, 'high')).spec?.nodeName).toBe('n1')
    expect((await get(api, 'thief')).spec?.nodeName).toBeUndefined()
    expect(api.count(/delete pods/)).toBe(2)
  })

  test('a place that was kept is free again when the pod it was kept for is deleted', async () => {
    const api = new FakeApi()
    await api.create(resources.nodes, small)
    harness = startHarness(startScheduler, { api })
    await api.create(resources.pods, pod('low', { priority: 1, ...requesting({ cpu: '600m' }) }))
    await harness.quiet()
    await api.create(resources.pods, pod('high', { priority: 9, ...requesting({ cpu: '800m' }) }))
    await harness.quiet()
    // Fits beside the one that ends, and not beside the one that is to come.
    await api.create(resources.pods, pod('next', { priority: 5, ...requesting({ cpu: '300m' }) }))
    await harness.quiet()
    expect((await get(api, 'next')).spec?.nodeName).toBeUndefined()
    await api.delete(resources.pods, (await get(api, 'high')).metadata)
    await harness.quiet()
    expect((await get(api, 'next')).spec?.nodeName).toBe('n1')
  })

  test('a pod that has to leave the place kept for it has another one made at once', async () => {
    const api = new FakeApi()
    const whole = requesting({ cpu: '1' })
    for (const name of ['n1', 'n2']) await api.create(resources.nodes, { ...small, metadata: { name } })
    harness = startHarness(startScheduler, { api })
    for (const name of ['n1', 'n2']) {
      await api.create(resources.pods, pod(`low-${name}`, { priority: 1, ...whole, ...byName(name) }))
    }
    await harness.quiet()
    await api.create(resources.pods, pod('mid', { priority: 5, ...whole }))
    await harness.quiet()
    expect((await get(api, 'mid')).status?.nominatedNodeName).toBe('n1')
    await api.create(resources.pods, pod('high', { priority: 9, ...whole, ...byName('n1') }))
    await harness.quiet()
    expect((await get(api, 'high')).status?.nominatedNodeName).toBe('n1')
    expect((await get(api, 'mid')).status?.nominatedNodeName).toBe('n2')
    expect((await get(api, 'low-n2')).metadata.deletionTimestamp).toBeDefined()
  })

  test('a pod that wants to be near another goes once that one is there', async () => {
    const api = new FakeApi()
    await api.create(resources.nodes, node('n1', { metadata: { name: 'n1', labels: { zone: 'a' } } }))
    harness = startHarness(startScheduler, { api })
    const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'db' } } }
    const podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [term] }
    await api.create(resources.pods, pod('web', { affinity: { podAffinity } }))
    await harness.quiet()
    expect((await get(api, 'web')).spec?.nodeName).toBeUndefined()
    await api.create(resources.pods, pod('db', {}, { app: 'db' }))
    await harness.quiet()
    expect((await get(api, 'web')).spec?.nodeName).toBe('n1')
  })
})
