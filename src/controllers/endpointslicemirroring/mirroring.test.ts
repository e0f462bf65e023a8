import { afterEach, describe, expect, test } from 'vitest'
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { EndpointAddress, EndpointSubset, Endpoints, Service } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { startEndpointSliceMirroringController } from './index.ts'
import { mirror, shouldMirror } from './mirror.ts'

const addresses = (...ips: string[]): EndpointAddress[] => ips.map((ip) => ({ ip }))
const http = [{ name: 'http', port: 8080, protocol: 'TCP' }]

function endpoints(subsets: EndpointSubset[], metadata: Partial<Endpoints['metadata']> = {}): Endpoints {
  return { metadata: { name: 'db', namespace: 'demo', uid: 'uid-db', ...metadata }, subsets }
}

let names = 0
const stored = (slices: readonly EndpointSlice[]) =>
  slices.map((slice) => ({ ...slice, metadata: { ...slice.metadata, name: slice.metadata.name || `db-${++names}` } }))

const show = (slices: readonly EndpointSlice[]) =>
  slices.map(({ addressType, ports, endpoints: list }) => {
    const each = (list ?? []).map(({ addresses: ips, conditions }) => `${ips.join()}${conditions?.ready ? '' : '!'}`)
    return `${addressType} ${(ports ?? []).map(({ port }) => port).join()} ${each.join(' ')}`
  })

describe('the mirror', () => {
  test('has one slice for each family and set of ports', () => {
    const plan = mirror(
      endpoints([
        { addresses: addresses('10.0.0.1', 'fd00::1'), notReadyAddresses: addresses('10.0.0.2'), ports: http },
        { addresses: addresses('10.0.0.3'), ports: [{ port: 9090 }] },
      ]),
      [],
    )
    expect(show(plan.create)).toEqual(['IPv4 8080 10.0.0.1 10.0.0.2!', 'IPv6 8080 fd00::1', 'IPv4 9090 10.0.0.3'])
    expect([plan.invalid, plan.skipped]).toEqual([0, 0])
  })

  test("carries the author's labels and annotations, and owner, node, hostname and target", () => {
    const address = {
      ip: '10.0.0.1',
      hostname: 'one',
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', name: 'p', uid: 'u' },
    }
    const annotations = {
      note: 'x',
      'endpoints.kubernetes.io/last-change-trigger-time': 't',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    }
    const labels = { tier: 'data', 'endpointslice.kubernetes.io/managed-by': 'me' }
    expect(mirror(endpoints([{ addresses: [address], ports: http }], { labels, annotations }), []).create).toEqual([
      {
        metadata: {
          name: '',
          generateName: 'db-',
          namespace: 'demo',
          labels: {
            tier: 'data',
            'kubernetes.io/service-name': 'db',
            'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
          },
          annotations: { note: 'x' },
          ownerReferences: [
            {
              apiVersion: 'v1',
              kind: 'Endpoints',
              name: 'db',
              uid: 'uid-db',
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: [
          {
            addresses: ['10.0.0.1'],
            conditions: { ready: true },
            hostname: 'one',
            nodeName: 'node-1',
            targetRef: { kind: 'Pod', name: 'p', uid: 'u' },
          },
        ],
      },
    ])
  })

  test('is written only when it differs', () => {
    const before = endpoints([{ addresses: addresses('10.0.0.1', '10.0.0.2'), ports: http }])
    const existing = stored(mirror(before, []).create)
    const counts = (after: Endpoints, slices = existing) => {
      const plan = mirror(after, slices)
      return [plan.create.length, plan.update.length, plan.delete.length]
    }
    expect(counts(before)).toEqual([0, 0, 0])
    expect(counts(endpoints([{ addresses: addresses('10.0.0.1'), ports: http }]))).toEqual([0, 1, 0])
    const unready = [{ addresses: addresses('10.0.0.1'), notReadyAddresses: addresses('10.0.0.2'), ports: http }]
    expect(counts(endpoints(unready))).toEqual([0, 1, 0])
    expect(counts(endpoints(before.subsets ?? [], { labels: { a: 'b' } }))).toEqual([0, 1, 0])
    expect(counts(endpoints(before.subsets ?? [], { annotations: { a: 'b' } }))).toEqual([0, 1, 0])
    // Other ports: the slice is used again.
    expect(counts(endpoints([{ addresses: addresses('10.0.0.1'), ports: [{ port: 1 }] }]))).toEqual([0, 1, 0])
    expect(counts(endpoints([{ addresses: addresses('fd00::1'), ports: http }]))).toEqual([1, 0, 1])
    expect(counts(endpoints([]))).toEqual([0, 0, 1])
    // Two for one set of ports: the second goes.
    expect(counts(before, [...existing, ...stored(mirror(before, []).create)])).toEqual([0, 0, 1])
  })

  test('leaves out what is no address and what is too much', () => {
    const all = addresses('10.0.0.1', 'no.address', '10.0.0.2', '10.0.0.3')
    const plan = mirror(endpoints([{ addresses: all, notReadyAddresses: addresses('10.0.0.4'), ports: http }]), [], 2)
    expect(show(plan.create)).toEqual(['IPv4 8080 10.0.0.1 10.0.0.2'])
    expect([plan.invalid, plan.skipped]).toEqual([1, 3])
  })
})

test('whose author says so, and locks, are not mirrored', () => {
  const skip = (value: string) => endpoints([], { labels: { 'endpointslice.kubernetes.io/skip-mirror': value } })
  expect(shouldMirror(skip('true'))).toBe(false)
  expect(shouldMirror(skip('1'))).toBe(false)
  expect(shouldMirror(skip('yes'))).toBe(true)
  expect(shouldMirror(endpoints([], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }))).toBe(false)
})

describe('the controller', () => {
  let harness: Harness | undefined
  afterEach(() => harness?.stop())

  const service = (selector?: Record<string, string>): Service => ({
    metadata: { name: 'db', namespace: 'demo' },
    spec: { clusterIP: '10.96.0.9', ...(selector && { selector }), ports: [{ port: 80 }] },
  })

  async function start() {
    harness = startHarness(startEndpointSliceMirroringController)
    const { api, until, quiet } = harness
    const mirrors = () => api.all(resources.endpointSlices)
    await api.create(resources.services, service())
    await api.create(resources.endpoints, endpoints([{ addresses: addresses('10.0.0.1'), ports: http }]))
    await until('mirrored', () => mirrors().length === 1)
    return { api, until, quiet, mirrors }
  }

  test('puts right what somebody deleted or changed, and leaves hand-made slices alone', async () => {
    const { api, until, quiet, mirrors } = await start()
    const [first] = mirrors()
    if (!first) throw new Error('no mirror')
    await api.delete(resources.endpointSlices, first.metadata)
    await until('made again', () => mirrors().length === 1)
    const [second] = mirrors()
    if (!second) throw new Error('no mirror')
    await api.update(resources.endpointSlices, { ...second, endpoints: [] })
    await until('filled again', () => mirrors()[0]?.endpoints?.length === 1)
    const labels = { 'kubernetes.io/service-name': 'db', 'endpointslice.kubernetes.io/managed-by': 'me' }
    await api.create(resources.endpointSlices, {
      metadata: { name: 'hand-made', namespace: 'demo', labels },
      addressType: 'IPv4',
      endpoints: [],
    })
    await quiet()
    expect(mirrors().map(({ metadata }) => metadata.name)).toContain('hand-made')
  })

  test('takes mirrors away when the Service gets a selector, brings them back when it loses it', async () => {
    const { api, until, mirrors } = await start()
    await api.update(resources.services, service({ app: 'db' }))
    await until('gone', () => mirrors().length === 0)
    await api.update(resources.services, service())
    await until('back', () => mirrors().length === 1)
  })

  test.each([
    ['the Endpoints are deleted', resources.endpoints],
    ['the Service is deleted', resources.services],
  ] as const)('takes mirrors away when %s', async (_when, resource) => {
    const { api, until, mirrors } = await start()
    await api.delete(resource, { namespace: 'demo', name: 'db' })
    await until('gone', () => mirrors().length === 0)
  })

  test('takes mirrors away when they are no longer wanted', async () => {
    const { api, until, mirrors } = await start()
    await api.update(
      resources.endpoints,
      endpoints([{ addresses: addresses('10.0.0.1') }], {
        labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
      }),
    )
    await until('gone', () => mirrors().length === 0)
  })

  test('says what it left out', async () => {
    const { api, until } = await start()
    await api.update(resources.endpoints, endpoints([{ addresses: addresses('10.0.0.1', 'nonsense'), ports: http }]))
    await until('an Event', () => api.all(resources.events).length === 1)
    const [event] = api.all(resources.events)
    expect([event?.reason, event?.message]).toEqual([
      'InvalidIPAddress',
      'Skipped 1 invalid IP addresses when mirroring to EndpointSlices',
    ])
  })
})
