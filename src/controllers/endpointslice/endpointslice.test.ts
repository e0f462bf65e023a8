import { describe, expect, test } from 'vitest'
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Pod, Service } from '../../api/generated/v1.ts'
import { makeNode, makePod, makeService } from '../endpoints/fixtures.ts'
import { reconcileSlices } from './reconcile.ts'
import { forWriting } from './slice.ts'

const at = '2026-11-21T02:41:59Z'
const nodes = new Map([['node-1', makeNode('node-1')]])

function reconcile(
  service: Service,
  pods: Pod[],
  existing: EndpointSlice[] = [],
  {
    max,
    node = (name: string) => nodes.get(name),
  }: { max?: number; node?: (name: string) => ReturnType<typeof makeNode> | undefined } = {},
) {
  return reconcileSlices({ service, pods, node, existing, triggerTime: at, ...(max && { max }) })
}

let names = 0
/** Gives created slices their names, as the API server would. */
function stored(...slices: EndpointSlice[]): EndpointSlice[] {
  return slices.map((slice) => ({
    ...slice,
    metadata: { ...slice.metadata, name: slice.metadata.name || `web-${++names}`, namespace: 'demo' },
  }))
}

const podRange = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => makePod(`web-${from + i}`, { ip: `10.244.0.${from + i}` }))

const ips = (slices: readonly EndpointSlice[]) => slices.map((s) => (s.endpoints ?? []).flatMap((e) => e.addresses))
const counts = (plan: { create: unknown[]; update: unknown[]; delete: unknown[] }) => [
  plan.create.length,
  plan.update.length,
  plan.delete.length,
]

describe('the slice', () => {
  test('is the recorded one', () => {
    const pods = [makePod('web-1'), makePod('web-2', { ip: '10.244.0.55', hostname: 'web-2', subdomain: 'web-hl' })]
    const endpoint = (name: string, ip: string) => ({
      addresses: [ip],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', name, namespace: 'demo', uid: `uid-${name}` },
    })
    expect(reconcile(makeService('web', {}, { app: 'web' }), pods).create).toEqual([
      {
        addressType: 'IPv4',
        endpoints: [endpoint('web-1', '10.244.0.54'), endpoint('web-2', '10.244.0.55')],
        metadata: {
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': at },
          generateName: 'web-',
          labels: {
            app: 'web',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
            'kubernetes.io/service-name': 'web',
          },
          name: '',
          namespace: 'demo',
          ownerReferences: [
            {
              apiVersion: 'v1',
              blockOwnerDeletion: true,
              controller: true,
              kind: 'Service',
              name: 'web',
              uid: 'uid-web',
            },
          ],
        },
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ])
  })

  test('of a headless Service is labelled and has hostnames', () => {
    const pods = [makePod('web-1'), makePod('web-2', { ip: '10.244.0.55', hostname: 'web-2', subdomain: 'web-hl' })]
    const [slice] = reconcile(makeService('web-hl', { clusterIP: 'None' }), pods).create
    expect(slice?.metadata.labels?.['service.kubernetes.io/headless']).toBe('')
    expect(slice?.endpoints?.map((e) => e.hostname)).toEqual([undefined, 'web-2'])
  })

  test('of a Service without pods is empty: endpoints null, ports null', () => {
    const [slice] = reconcile(makeService('nopods'), []).create.map(forWriting)
    expect(slice).toMatchObject({ endpoints: null, ports: null })
  })

  test('carries the zone of the node', () => {
    const node = () => makeNode('node-1', { 'topology.kubernetes.io/zone': 'z1' })
    expect(reconcile(makeService('web'), [makePod('web-1')], [], { node }).create[0]?.endpoints?.[0]?.zone).toBe('z1')
  })

  test('keeps the name of an unnamed port as an empty string', () => {
    const [slice] = reconcile(makeService('web', { ports: [{ port: 80, targetPort: 8080 }] }), [
      makePod('web-1'),
    ]).create
    expect(slice?.ports).toEqual([{ name: '', port: 8080, protocol: 'TCP' }])
  })
})

describe('conditions', () => {
  const cases: [string, Parameters<typeof makePod>[1], boolean, unknown][] = [
    ['ready', {}, false, [true, true, false]],
    ['not ready', { ready: false }, false, [false, false, false]],
    ['terminating, still serving', { terminating: true }, false, [false, true, true]],
    ['terminating, not serving', { terminating: true, ready: false }, false, [false, false, true]],
    ['not ready, published', { ready: false }, true, [true, false, false]],
    ['terminating, published', { terminating: true, ready: false }, true, [true, false, true]],
    ['succeeded', { phase: 'Succeeded' }, false, undefined],
    ['failed', { phase: 'Failed' }, true, undefined],
    ['without an address', { ip: '' }, false, undefined],
  ]
  test.each(cases)('%s', (_name, shape, publishNotReadyAddresses, expected) => {
    const [slice] = reconcile(makeService('web', { publishNotReadyAddresses }), [makePod('web-1', shape)]).create
    const c = slice?.endpoints?.[0]?.conditions
    expect(c && [c.ready, c.serving, c.terminating]).toEqual(expected)
  })
})

describe('changes', () => {
  const service = makeService('web')

  test('nothing to do, nothing written', () => {
    const existing = stored(...reconcile(service, podRange(1, 4)).create)
    expect(counts(reconcile(service, podRange(1, 4), existing))).toEqual([0, 0, 0])
    const empty = stored(...reconcile(service, []).create.map(forWriting))
    expect(counts(reconcile(service, [], empty))).toEqual([0, 0, 0])
  })

  test('the empty slice is filled, and emptied again, under one name', () => {
    const [empty] = stored(...reconcile(service, []).create)
    const filled = reconcile(service, podRange(1, 2), empty ? [empty] : [])
    expect(counts(filled)).toEqual([0, 1, 0])
    expect(filled.update[0]?.metadata.name).toBe(empty?.metadata.name)
    const emptied = reconcile(service, [], filled.update)
    expect([counts(emptied), ips(emptied.update), emptied.update[0]?.ports]).toEqual([[0, 1, 0], [[]], []])
  })

  test('readiness changes in place', () => {
    const existing = stored(...reconcile(service, podRange(1, 4)).create)
    const plan = reconcile(service, [...podRange(1, 3), makePod('web-3', { ip: '10.244.0.3', ready: false })], existing)
    expect(counts(plan)).toEqual([0, 1, 0])
    expect(plan.update[0]?.endpoints?.map((e) => e.conditions?.ready)).toEqual([true, true, false])
  })

  test('labels of the Service are copied, a changed label is a write', () => {
    const existing = stored(...reconcile(service, podRange(1, 2)).create)
    const plan = reconcile(makeService('web', {}, { tier: 'front' }), podRange(1, 2), existing)
    expect([counts(plan), plan.update[0]?.metadata.labels?.['tier']]).toEqual([[0, 1, 0], 'front'])
  })

  test('slices of an earlier Service of that name, and of a family it no longer has, go', () => {
    const existing = stored(
      ...reconcile({ ...service, metadata: { ...service.metadata, uid: 'old' } }, podRange(1, 2)).create,
    )
    expect(counts(reconcile(service, podRange(1, 2), existing))).toEqual([1, 0, 1])
    const six = existing.map((slice) => ({ ...slice, addressType: 'IPv6' }))
    expect(counts(reconcile(service, podRange(1, 2), six))).toEqual([1, 0, 1])
  })

  test('a named port that differs by pod makes a slice per set of ports', () => {
    const pods = [makePod('old', { ip: '10.244.0.1' }), makePod('new', { ip: '10.244.0.2', ports: { http: 9090 } })]
    const { create } = reconcile(service, pods)
    expect(create.map((s) => [s.ports?.[0]?.port, ...(ips([s])[0] ?? [])])).toEqual([
      [8080, '10.244.0.1'],
      [9090, '10.244.0.2'],
    ])
    const later = reconcile(service, pods.slice(1), stored(...create))
    expect(counts(later)).toEqual([0, 0, 1])
  })

  test('dual stack has slices of each family', () => {
    const pods = [makePod('dual', { ips: ['10.244.0.1', 'fd00::1'] })]
    const { create } = reconcile(makeService('web', { ipFamilies: ['IPv4', 'IPv6'] }), pods)
    expect(create.map((s) => [s.addressType, ...(ips([s])[0] ?? [])])).toEqual([
      ['IPv4', '10.244.0.1'],
      ['IPv6', 'fd00::1'],
    ])
  })

  test('a pod on an unknown node waits, unless not-ready addresses are published', () => {
    const pods = [makePod('lost', { node: 'gone' })]
    expect(reconcile(service, pods)).toMatchObject({ skipped: ['lost'], create: [{ endpoints: [] }] })
    const published = reconcile(makeService('web', { publishNotReadyAddresses: true }), pods)
    expect([published.skipped, ips(published.create)]).toEqual([[], [['10.244.0.54']]])
  })
})

describe('packing', () => {
  const service = makeService('web')
  const full = { max: 3 }

  test('many endpoints fill slices to the brim', () => {
    expect(ips(reconcile(service, podRange(1, 8), [], full).create).map((s) => s.length)).toEqual([3, 3, 1])
    const many = reconcile(
      service,
      Array.from({ length: 250 }, (_, i) => makePod(`p${i}`, { ip: `10.244.1.${i}` })),
    )
    expect(ips(many.create).map((s) => s.length)).toEqual([100, 100, 50])
  })

  test('a newcomer goes into the slice with least room, the others are not touched', () => {
    const existing = stored(...reconcile(service, podRange(1, 8), [], full).create)
    const plan = reconcile(service, podRange(1, 9), existing, full)
    expect([counts(plan), ips(plan.update)]).toEqual([[0, 1, 0], [['10.244.0.7', '10.244.0.8']]])
  })

  test('what replaces a removed endpoint goes into the slice that changes anyway', () => {
    const existing = stored(...reconcile(service, podRange(1, 8), [], full).create)
    const plan = reconcile(service, [...podRange(2, 8), makePod('web-20', { ip: '10.244.0.20' })], existing, full)
    expect([counts(plan), ips(plan.update)]).toEqual([[0, 1, 0], [['10.244.0.2', '10.244.0.3', '10.244.0.20']]])
  })

  test('an emptied slice goes', () => {
    const existing = stored(...reconcile(service, podRange(1, 8), [], full).create)
    expect(counts(reconcile(service, podRange(1, 7), existing, full))).toEqual([0, 0, 1])
  })

  describe("upstream's cases", () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => makePod(`p${i}`, { ip: `10.244.${i >> 8}.${i & 255}` }))
    /** A slice that holds those of the pods. */
    const holding = (pods: Pod[]) => stored(...reconcile(service, pods).create)
    const lengths = (slices: readonly EndpointSlice[]) => ips(slices).map((list) => list.length)

    test('what fits into one slice with room goes there, the rest is created', () => {
      const pods = many(250)
      const existing = [0, 1].flatMap((part) => holding(pods.filter((_, i) => i % 4 === part)))
      expect(lengths(existing)).toEqual([63, 63])
      const plan = reconcile(service, pods, existing)
      expect([lengths(plan.create), lengths(plan.update), plan.delete]).toEqual([[100], [87], []])
    })

    test('one slice is created rather than two updated', () => {
      const pods = many(300)
      const existing = [0, 1].flatMap((part) => holding(pods.filter((_, i) => i % 4 === part)))
      const plan = reconcile(service, pods, existing)
      expect([lengths(plan.create), plan.update, plan.delete]).toEqual([[100, 50], [], []])
    })

    test('slices with other ports are used again', () => {
      const pods = many(300)
      const existing = Array.from({ length: 10 }, (_, n) => {
        const other = makeService('web', { ports: [{ name: 'http', port: 80, targetPort: 90 + n }] })
        return stored(...reconcile(other, pods.slice(n * 30, n * 30 + 30)).create)
      }).flat()
      const plan = reconcile(service, pods, existing)
      expect([plan.create, lengths(plan.update), plan.delete.length]).toEqual([[], [100, 100, 100], 7])
    })

    test('a slice for each number a named port has', () => {
      const pods = Array.from({ length: 300 }, (_, i) =>
        makePod(`p${i}`, { ip: `10.244.${i >> 8}.${i & 255}`, ports: { http: 8080 + (i % 5) } }),
      )
      expect(lengths(reconcile(service, pods).create)).toEqual([60, 60, 60, 60, 60])
    })

    test.each([
      [10, Array.from({ length: 25 }, () => 10)],
      [80, [80, 80, 80, 10]],
      [150, [150, 100]],
      [250, [250]],
      [500, [250]],
    ])('at most %i in a slice', (max, expected) => {
      expect(lengths(reconcile(service, many(250), [], { max }).create)).toEqual(expected)
    })
  })

  test('whatever happens, each pod is in exactly one slice and none is over the limit', () => {
    const seed = Date.now() % 100_000
    let state = seed
    const random = (n: number) => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % n
    let slices: EndpointSlice[] = []
    for (let round = 0; round < 200; round++) {
      const from = random(30)
      const pods = podRange(from, from + random(30))
      const plan = reconcile(service, pods, slices, { max: 4 })
      const updated = new Map(plan.update.map((slice) => [slice.metadata.name, slice]))
      slices = slices
        .filter((slice) => !plan.delete.includes(slice))
        .map((slice) => updated.get(slice.metadata.name) ?? slice)
        .concat(stored(...plan.create))
      expect(ips(slices).flat().sort(), `seed ${seed}`).toEqual(pods.map((p) => p.status?.podIP ?? '').sort())
      expect(Math.max(...ips(slices).map((s) => s.length)), `seed ${seed}`).toBeLessThanOrEqual(4)
      expect(slices.length, `seed ${seed}`).toBeGreaterThan(0)
    }
  })
})
