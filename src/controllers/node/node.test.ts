import { afterEach, describe, expect, test } from 'vitest'
import type { Node, Pod } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { type Harness, node, runPod, startHarness } from '../testing/harness.ts'
import { allocate, nextBlock, startNodeIpamController } from './cidrs.ts'
import { unknownConditions, wantedTaints } from './health.ts'
import { startNodeLifecycleController } from './lifecycle.ts'

const now = new Date('2026-01-01T00:00:00Z')

function withReady(status: string | undefined, spec: Node['spec'] = {}): Node {
  return node('n1', { spec, status: { conditions: status === undefined ? [] : [{ type: 'Ready', status }] } })
}

describe('taints', () => {
  const timeAdded = '2026-01-01T00:00:00Z'
  const both = (key: string) => ['NoSchedule', 'NoExecute'].map((effect) => ({ key, effect, timeAdded }))
  const gpu = { key: 'gpu', effect: 'NoSchedule' }
  const notReady = 'node.kubernetes.io/not-ready'
  const unreachable = 'node.kubernetes.io/unreachable'
  const cases: [string, Node, object[]][] = [
    ['a ready node has none', withReady('True'), []],
    ['a node that is not ready', withReady('False'), both(notReady)],
    ['a node nobody hears of', withReady('Unknown'), both(unreachable)],
    ['other taints stay', withReady('Unknown', { taints: [gpu] }), [gpu, ...both(unreachable)]],
    ['they go when the node is ready', withReady('True', { taints: [gpu, ...both(notReady)] }), [gpu]],
    ['one gives way to the other', withReady('Unknown', { taints: both(notReady) }), both(unreachable)],
    ['a node that said nothing yet is left alone', withReady(undefined, { taints: both(notReady) }), both(notReady)],
    [
      'a cordoned node',
      withReady('True', { unschedulable: true }),
      [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded }],
    ],
  ]
  test.each(cases)('%s', (_, target, taints) => expect(wantedTaints(target, now)).toEqual(taints))
})

describe('conditions of a silent node', () => {
  test('become Unknown, those it never posted in other words', () => {
    const conditions = unknownConditions(withReady('True'), now) ?? []
    expect(conditions.map((c) => [c.type, c.status, c.reason])).toEqual([
      ['Ready', 'Unknown', 'NodeStatusUnknown'],
      ['MemoryPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
      ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ])
    expect(unknownConditions(node('n1', { status: { conditions } }), now)).toBeUndefined()
  })
})

describe('pod address blocks', () => {
  test('the first free one', () => {
    expect(nextBlock('10.244.0.0/16', 24, [])).toBe('10.244.0.0/24')
    expect(nextBlock('10.244.0.0/16', 24, ['10.244.0.0/24', '10.244.2.0/24'])).toBe('10.244.1.0/24')
    expect(nextBlock('10.244.0.0/16', 24, ['10.244.0.0/23'])).toBe('10.244.2.0/24')
    expect(nextBlock('10.0.0.0/24', 24, ['10.0.0.0/24'])).toBeUndefined()
    expect(nextBlock('fd00::/48', 64, ['fd00::/64'])).toBe('fd00:0:0:1::/64')
  })
  test('one of each family', () => {
    expect(allocate(['10.244.0.0/16', 'fd00::/48'], {}, [])).toEqual({ podCIDRs: ['10.244.0.0/24', 'fd00::/64'] })
    expect(allocate(['10.0.0.0/24'], {}, [node('a', { spec: { podCIDR: '10.0.0.0/24' } })])).toEqual({
      exhausted: '10.0.0.0/24',
    })
  })
})

describe('the controllers', () => {
  let harness: Harness
  afterEach(() => harness.stop())

  test('give every node a block of its own, in one write', async () => {
    harness = startHarness(startNodeIpamController)
    const { api, quiet } = harness
    await Promise.all(['a', 'b', 'c'].map((name) => api.create(resources.nodes, node(name))))
    await quiet()
    const blocks = api.all(resources.nodes).map((n) => n.spec?.podCIDRs?.[0] ?? '')
    expect(blocks.sort()).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24'])
    expect(api.count(/patch nodes/)).toBe(3)
  })

  test('a node whose lease stands still is tainted and its pods are no longer ready; it recovers', async () => {
    const clock = new FakeClock()
    harness = startHarness(startNodeLifecycleController, { clock })
    const { api, quiet } = harness
    await api.create(resources.nodes, node('n1'))
    const lease = { metadata: { name: 'n1', namespace: 'kube-node-lease' }, spec: { renewTime: '1' } }
    await api.create(resources.leases, lease)
    const pod: Pod = { metadata: { name: 'p', namespace: 'demo' }, spec: { containers: [], nodeName: 'n1' } }
    await api.create(resources.pods, pod)
    await runPod(api, api.all(resources.pods)[0]!)
    await quiet()
    api.writes.length = 0
    for (let i = 2; i < 6; i++) {
      clock.advance(30_000)
      await api.patch(resources.leases, lease.metadata, { spec: { renewTime: `2026-01-01T00:0${i}:00.000000Z` } })
      await quiet()
    }
    expect(api.writes).toEqual(Array.from({ length: 4 }, () => 'patch leases'))
    clock.advance(40_000)
    await quiet()
    const current = () => api.all(resources.nodes)[0] as Node
    const readyOf = (o: Node | Pod) => o.status?.conditions?.find((c) => c.type === 'Ready')?.status
    expect(readyOf(current())).toBe('Unknown')
    expect(current().spec?.taints?.map((t) => `${t.key}:${t.effect}`)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ])
    expect(readyOf(api.all(resources.pods)[0]!)).toBe('False')
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:09:00Z' }]
    await api.updateStatus(resources.nodes, { ...current(), status: { conditions } })
    await quiet()
    expect(current().spec?.taints).toBeUndefined()
  })
})
