import { describe, expect, test } from 'vitest'
import type { EndpointHints, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Service } from '../../api/generated/v1.ts'
import { makeNode, makePod, makeService } from '../endpoints/fixtures.ts'
import { reconcileSlices } from './reconcile.ts'
import { HintedServices, zoneShares } from './topology.ts'

const zone = (name: string) => ({ 'topology.kubernetes.io/zone': name })

function readyNode(name: string, { cpu = '4', ...labels }: Record<string, string> = {}): Node {
  const status = { allocatable: { cpu }, conditions: [{ type: 'Ready', status: 'True' }] }
  return { ...makeNode(name, labels), status }
}

const nodes = [readyNode('n-a', zone('a')), readyNode('n-b', zone('b')), readyNode('n-bare')]
const node = (name: string) => nodes.find(({ metadata }) => metadata.name === name)

/** `n-a:2` is two ready pods on that node. */
function podsOn(...groups: string[]) {
  return groups.flatMap((group) => {
    const [on = '', count = '1'] = group.split(':')
    return Array.from({ length: Number(count) }, (_, i) =>
      makePod(`${on}-${i}`, { node: on, ip: `10.0.${on.charCodeAt(2)}.${i}` }),
    )
  })
}

function show(hints: EndpointHints | undefined): string {
  const names = (list: readonly { name: string }[] | undefined) => list?.map(({ name }) => name).join() ?? '-'
  return hints ? `${names(hints.forZones)} ${names(hints.forNodes)}` : 'none'
}

const hintsOf = (slices: readonly EndpointSlice[]) =>
  slices.flatMap(({ endpoints }) => endpoints ?? []).map(({ hints }) => show(hints))

const named = (slices: readonly EndpointSlice[]) =>
  slices.map((slice, i) => ({ ...slice, metadata: { ...slice.metadata, name: `web-${i}` } }))

describe('trafficDistribution', () => {
  const cases: [string, string, string[]][] = [
    ['PreferClose', 'n-a', ['a -']],
    ['PreferSameZone', 'n-a', ['a -']],
    ['PreferSameNode', 'n-a', ['a n-a']],
    ['PreferSameNode', 'n-bare', ['- n-bare']],
    ['PreferSameZone', 'n-bare', ['none']],
    ['SomethingElse', 'n-a', ['none']],
  ]
  test.each(cases)('%s on %s', (trafficDistribution, on, expected) => {
    const service = makeService('web', { trafficDistribution })
    expect(hintsOf(reconcileSlices({ service, pods: podsOn(on), node, existing: [], triggerTime: '' }).create)).toEqual(
      expected,
    )
  })

  test('hints only endpoints that are ready', () => {
    const service = makeService('web', { trafficDistribution: 'PreferSameZone' })
    const pods = [makePod('web-1', { node: 'n-a', ready: false }), makePod('web-2', { node: 'n-a', ip: '10.0.0.2' })]
    expect(hintsOf(reconcileSlices({ service, pods, node, existing: [], triggerTime: '' }).create)).toEqual([
      'none',
      'a -',
    ])
  })

  test('changes with the Service, and is stable otherwise', () => {
    const pods = podsOn('n-a:2')
    const plan = (trafficDistribution: string | undefined, existing: EndpointSlice[]) => {
      const service = makeService('web', trafficDistribution ? { trafficDistribution } : {})
      return reconcileSlices({ service, pods, node, existing, triggerTime: '' })
    }
    const existing = named(plan('PreferSameZone', []).create)
    expect(plan('PreferSameZone', existing).update).toEqual([])
    expect(hintsOf(plan('PreferSameNode', existing).update)).toEqual(['a n-a', 'a n-a'])
    expect(hintsOf(plan(undefined, existing).update)).toEqual(['none', 'none'])
  })
})

describe('topology-mode: Auto', () => {
  const annotated = (value = 'Auto', spec: Service['spec'] = {}): Service => {
    const service = makeService('web', spec)
    const annotations = { 'service.kubernetes.io/topology-mode': value }
    return { ...service, metadata: { ...service.metadata, annotations } }
  }
  const zones = zoneShares([nodes[0], nodes[1]].filter((n) => n !== undefined))
  const plan = (
    pods: ReturnType<typeof podsOn>,
    { existing = [], service = annotated(), ...more }: Partial<Parameters<typeof reconcileSlices>[0]> = {},
  ) => reconcileSlices({ service, pods, node, existing, triggerTime: '', zones, ...more })

  test('each zone gets its own endpoints, and an Event says so once', () => {
    const { create, events } = plan(podsOn('n-a:2', 'n-b:2'))
    expect(hintsOf(create)).toEqual(['a -', 'a -', 'b -', 'b -'])
    const message = 'Topology Aware Hints has been enabled, addressType: IPv4'
    expect(events).toEqual([{ type: 'Normal', reason: 'TopologyAwareHintsEnabled', message }])
    const again = plan(podsOn('n-a:2', 'n-b:2'), { existing: named(create), wasHinted: true })
    expect([again.update, again.events]).toEqual([[], []])
  })

  test('a zone with too many gives to one with too few', () => {
    expect(hintsOf(plan(podsOn('n-a:5', 'n-b:1')).create).sort()).toEqual(['a -', 'a -', 'a -', 'b -', 'b -', 'b -'])
  })

  const impossible: [string, ReturnType<typeof podsOn>, Partial<Parameters<typeof reconcileSlices>[0]>, string][] = [
    ['one endpoint', podsOn('n-a:1'), {}, 'Insufficient number of endpoints (1 endpoints, 2 zones)'],
    [
      'three for two equal zones',
      podsOn('n-a:2', 'n-b:1'),
      {},
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 2 zones)',
    ],
    [
      'nodes without zones',
      podsOn('n-a:2', 'n-b:2'),
      { zones: undefined },
      'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
    ],
    [
      'an endpoint without a zone',
      podsOn('n-a:2', 'n-b:1', 'n-bare:1'),
      {},
      'One or more endpoints do not have a zone specified',
    ],
  ]
  test.each(impossible)('no hints: %s', (_what, pods, more, why) => {
    const { create, events, hinted } = plan(pods, more)
    expect(new Set(hintsOf(create))).toEqual(new Set(['none']))
    expect(events).toEqual([
      { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: `${why}, addressType: IPv4` },
    ])
    expect(hinted.size).toBe(0)
  })

  test('hints go when the annotation goes', () => {
    const existing = named(plan(podsOn('n-a:2', 'n-b:2')).create)
    const { update, events } = plan(podsOn('n-a:2', 'n-b:2'), {
      existing,
      service: makeService('web'),
      wasHinted: true,
    })
    expect(new Set(hintsOf(update))).toEqual(new Set(['none']))
    expect(events[0]?.message).toBe('Topology Aware Hints has been disabled, addressType: IPv4')
  })

  test('has precedence over trafficDistribution', () => {
    const service = annotated('auto', { trafficDistribution: 'PreferSameNode' })
    expect(hintsOf(plan(podsOn('n-a:2', 'n-b:2'), { service }).create)).toEqual(['a -', 'a -', 'b -', 'b -'])
  })
})

test("zones share by their ready nodes' CPUs; control planes do not count", () => {
  const controlPlane = readyNode('cp', { ...zone('c'), 'node-role.kubernetes.io/control-plane': '' })
  const big = readyNode('big', { ...zone('a'), cpu: '12' })
  expect(zoneShares([big, readyNode('n-b', zone('b')), controlPlane])).toEqual(
    new Map([
      ['a', 0.75],
      ['b', 0.25],
    ]),
  )
  expect(zoneShares([big, readyNode('n-a', zone('a'))])).toBeUndefined()
  expect(zoneShares([big, readyNode('n-bare')])).toBeUndefined()
})

test('Services whose zones have too few endpoints are looked at again when nodes change', () => {
  const hinted = new HintedServices()
  hinted.set('demo/web', 'IPv4', new Map(Object.entries({ a: 3, b: 3 })))
  const shares = (a: number) => () => new Map(Object.entries({ a, b: 1 - a }))
  expect(hinted.overloaded(shares(0.5))).toEqual([])
  expect(hinted.overloaded(shares(0.8))).toEqual(['demo/web'])
  expect(hinted.overloaded(() => undefined)).toEqual(['demo/web'])
})
