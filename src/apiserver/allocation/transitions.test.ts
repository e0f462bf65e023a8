import { afterEach, describe, expect, test } from 'vitest'
import type { Service, ServiceSpec, ServiceStatus } from '../../api/generated/v1.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../test-server.ts'
import { NodePortLedger } from './node-port-ledger.ts'

let api: TestServer
afterEach(() => api[Symbol.asyncDispose]())

const v4Only = { serviceCidrs: ['10.0.0.0/24'] }
const v6Only = { serviceCidrs: ['fd00::/112'] }
const dual = { serviceCidrs: ['10.0.0.0/24', 'fd00::/112'] }
const services = '/api/v1/namespaces/default/services'
const ports = [{ port: 80 }]

async function keys(prefix: string) {
  return (await api.store.range({ prefix })).kvs.map(({ key }) => key.slice(prefix.length))
}
const heldIPs = () => keys('/registry/networking.k8s.io/ipaddresses/')
const heldPorts = () => keys('/registry/ranges/nodeports/')

async function put(method: 'POST' | 'PUT', spec: ServiceSpec, name = 'web'): Promise<Service> {
  const path = method === 'POST' ? services : `${services}/${name}`
  const { status, body } = await api.request(method, path, { metadata: { name }, spec: { ports, ...spec } })
  expect(status, body.message).toBe(method === 'POST' ? 201 : 200)
  return body as unknown as Service
}

/** What the Service says it holds is what is held, no more and no less. */
async function expectExact({ spec }: Service) {
  const ips = (spec?.clusterIPs ?? []).filter((ip) => ip !== 'None')
  expect(await heldIPs()).toEqual([...ips].sort())
  const numbers = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort].filter(Boolean)
  expect((await heldPorts()).map(Number)).toEqual([...new Set(numbers)].map(Number).sort((a, b) => a - b))
}

const types: Record<string, ServiceSpec> = {
  ClusterIP: { type: 'ClusterIP' },
  NodePort: { type: 'NodePort' },
  LoadBalancer: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', loadBalancerClass: 'a/b' },
  ExternalName: { type: 'ExternalName', externalName: 'example.org' },
}
const pairs = Object.keys(types).flatMap((from) => Object.keys(types).map((to) => [from, to] as const))

describe('a change of type holds exactly what the new type needs', () => {
  test.each(pairs)('%s to %s, as kubectl apply does it', async (from, to) => {
    api = await startTestServer(dual)
    const old = await put('POST', {
      ...types[from],
      ...(from !== 'ExternalName' && { ipFamilyPolicy: 'PreferDualStack' }),
    })
    await expectExact(old)
    const next = await put('PUT', types[to] ?? {})
    await expectExact(next)
    if (from !== 'ExternalName' && to !== 'ExternalName') expect(next.spec?.clusterIPs).toEqual(old.spec?.clusterIPs)
    await api.request('DELETE', `${services}/web`)
    expect([await heldIPs(), await heldPorts()]).toEqual([[], []])
  })

  test.each(pairs)('%s to %s, as kubectl edit does it', async (from, to) => {
    api = await startTestServer(v4Only)
    const old = await put('POST', types[from] ?? {})
    const edited: ServiceSpec = { ...old.spec, type: to }
    if (to === 'ExternalName') edited.externalName = 'example.org'
    const next = await put('PUT', edited)
    await expectExact(next)
    const held = Object.keys(next.spec ?? {})
    if (to === 'ExternalName') {
      for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) expect(held).not.toContain(field)
    }
    if (to !== 'LoadBalancer') {
      for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass', 'healthCheckNodePort']) {
        expect(held).not.toContain(field)
      }
    }
    expect(held.includes('externalTrafficPolicy')).toBe(to === 'NodePort' || to === 'LoadBalancer')
  })

  test('ExternalName has no internal traffic policy', async () => {
    api = await startTestServer(v4Only)
    const old = await put('POST', { internalTrafficPolicy: 'Local' })
    const next = await put('PUT', { ...old.spec, type: 'ExternalName', externalName: 'example.org' })
    expect(next.spec).not.toHaveProperty('internalTrafficPolicy')
    const created = await put(
      'POST',
      { type: 'ExternalName', externalName: 'a.b', internalTrafficPolicy: 'Local' },
      'x',
    )
    expect(created.spec).not.toHaveProperty('internalTrafficPolicy')
  })

  test('to something that is no load balancer clears the load balancer’s status', async () => {
    api = await startTestServer(v4Only)
    const old = await put('POST', { type: 'LoadBalancer' })
    const status: ServiceStatus = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }
    const written = await api.request('PUT', `${services}/web/status`, { ...old, status })
    expect(written.body['status']).toEqual({ loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } })
    expect((await put('PUT', { type: 'NodePort' })).status).toEqual({ loadBalancer: {} })
  })
})

describe('families', () => {
  test.each<[string, TestServerOptions, ServiceSpec, string[]]>([
    ['an IPv4 cluster', v4Only, {}, ['IPv4']],
    ['an IPv4 cluster, dual stack preferred', v4Only, { ipFamilyPolicy: 'PreferDualStack' }, ['IPv4']],
    ['an IPv6 cluster', v6Only, {}, ['IPv6']],
    ['an IPv6 cluster, dual stack preferred', v6Only, { ipFamilyPolicy: 'PreferDualStack' }, ['IPv6']],
    ['a dual-stack cluster', dual, {}, ['IPv4']],
    ['a dual-stack cluster, IPv6 asked for', dual, { ipFamilies: ['IPv6'] }, ['IPv6']],
    ['a dual-stack cluster, IPv6 address', dual, { clusterIP: 'fd00::9' }, ['IPv6']],
    ['a dual-stack cluster, dual stack preferred', dual, { ipFamilyPolicy: 'PreferDualStack' }, ['IPv4', 'IPv6']],
    [
      'dual stack required, IPv6 first',
      dual,
      { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] },
      ['IPv6', 'IPv4'],
    ],
    ['headless without selector', v4Only, { clusterIP: 'None' }, ['IPv4', 'IPv6']],
    ['headless without selector, IPv6 cluster', v6Only, { clusterIP: 'None' }, ['IPv6', 'IPv4']],
    ['headless with selector', dual, { clusterIP: 'None', selector: { app: 'web' } }, ['IPv4']],
  ])('%s', async (_name, options, spec, families) => {
    api = await startTestServer(options)
    const service = await put('POST', spec)
    expect(service.spec?.ipFamilies).toEqual(families)
    if (spec.clusterIP !== 'None') {
      expect(service.spec?.clusterIPs?.map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4'))).toEqual(families)
      expect(service.spec?.clusterIP).toBe(service.spec?.clusterIPs?.[0])
    }
    await expectExact(service)
  })

  test('a second one is added and released by policy; the first address stays', async () => {
    api = await startTestServer(dual)
    const single = await put('POST', {})
    const both = await put('PUT', { ipFamilyPolicy: 'PreferDualStack' })
    expect(both.spec?.clusterIPs).toHaveLength(2)
    expect(both.spec?.clusterIP).toBe(single.spec?.clusterIP)
    await expectExact(both)
    const again = await put('PUT', { ...both.spec, ipFamilyPolicy: 'SingleStack' })
    expect(again.spec).toMatchObject({ clusterIPs: single.spec?.clusterIPs, ipFamilies: ['IPv4'] })
    await expectExact(again)
  })

  test('a second address can be chosen', async () => {
    api = await startTestServer(dual)
    const { spec } = await put('POST', {})
    const clusterIPs = [spec?.clusterIP ?? '', 'fd00::77']
    const both = await put('PUT', {
      ...spec,
      clusterIPs,
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
    })
    expect(both.spec?.clusterIPs).toEqual(clusterIPs)
    await expectExact(both)
  })
})

describe('node ports', () => {
  const nodePorts = ({ spec }: Service) => (spec?.ports ?? []).map(({ nodePort }) => nodePort)

  test('TCP and UDP of one port share one, whichever names it', async () => {
    api = await startTestServer(v4Only)
    const dns = (change: object) => [
      { name: 'a', port: 53, protocol: 'TCP' },
      { name: 'b', port: 53, protocol: 'UDP', ...change },
    ]
    const given = nodePorts(await put('POST', { type: 'NodePort', ports: dns({}) }))
    expect(given[0]).toBe(given[1])
    expect(nodePorts(await put('POST', { type: 'NodePort', ports: dns({ nodePort: 30053 }) }, 'named'))).toEqual([
      30053, 30053,
    ])
    expect(await heldPorts()).toHaveLength(2)
  })

  test('only those asked for where a load balancer does without', async () => {
    api = await startTestServer(v4Only)
    const spec = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }
    const some = [
      { name: 'a', port: 80, nodePort: 30080 },
      { name: 'b', port: 81 },
    ]
    const service = await put('POST', { ...spec, ports: some })
    expect(nodePorts(service)).toEqual([30080, undefined])
    await expectExact(service)
    await expectExact(await put('PUT', { ...spec, ports }))
    expect(await heldPorts()).toEqual([])
  })

  test('a removed port gives its node port back, a renumbered one keeps it', async () => {
    api = await startTestServer(v4Only)
    const old = await put('POST', {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ],
    })
    const next = await put('PUT', { type: 'NodePort', ports: [{ name: 'b', port: 82 }] })
    expect(nodePorts(next)).toEqual(nodePorts(old).slice(1))
    await expectExact(next)
  })

  test('the health check’s comes and goes with Local', async () => {
    api = await startTestServer(v4Only)
    const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }
    const service = await put('POST', local)
    expect(service.spec?.healthCheckNodePort).toBeGreaterThan(30000)
    expect((await put('PUT', local)).spec?.healthCheckNodePort).toBe(service.spec?.healthCheckNodePort)
    const cluster = await put('PUT', { ...service.spec, externalTrafficPolicy: 'Cluster' })
    expect(cluster.spec).not.toHaveProperty('healthCheckNodePort')
    await expectExact(cluster)
    await expectExact(await put('PUT', local))
  })

  test('come from the range of the cluster, and end with it', async () => {
    api = await startTestServer({ ...v4Only, nodePortRange: { from: 31000, to: 31002 } })
    const given = await Promise.all(['a', 'b', 'c'].map((name) => put('POST', { type: 'NodePort' }, name)))
    expect(new Set(given.flatMap(nodePorts))).toEqual(new Set([31000, 31001, 31002]))
    const { status, body } = await api.request('POST', services, {
      metadata: { name: 'd' },
      spec: { type: 'NodePort', ports },
    })
    expect([status, body.message]).toEqual([
      500,
      'Internal error occurred: failed to allocate a nodePort: range is full',
    ])
    expect(await heldIPs()).toHaveLength(3)
  })

  test('the lower band of a small range is given out last', async () => {
    api = await startTestServer({ ...v4Only, nodePortRange: { from: 31000, to: 31019 } })
    for (const name of ['a', 'b', 'c', 'd']) {
      expect(nodePorts(await put('POST', { type: 'NodePort' }, name))[0]).toBeGreaterThanOrEqual(31016)
    }
    expect(nodePorts(await put('POST', { type: 'NodePort' }, 'e'))).toEqual([31000])
  })

  test('never two alike, however many at once; a dry run keeps none', async () => {
    api = await startTestServer(dual)
    const names = Array.from({ length: 40 }, (_, i) => `s${i}`)
    const spec: ServiceSpec = {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      ipFamilyPolicy: 'RequireDualStack',
    }
    const made = await Promise.all(names.map((name) => put('POST', spec, name)))
    const numbers = made.flatMap((service) => [...nodePorts(service), service.spec?.healthCheckNodePort])
    expect(new Set(numbers).size).toBe(80)
    expect(new Set(made.flatMap((service) => service.spec?.clusterIPs)).size).toBe(80)
    const dry = await api.request('POST', `${services}?dryRun=All`, {
      metadata: { name: 'dry' },
      spec: { ...spec, ports },
    })
    expect((dry.body['spec'] as ServiceSpec).clusterIPs).toHaveLength(2)
    expect([(await heldIPs()).length, (await heldPorts()).length]).toEqual([80, 80])
  })
})

describe('addresses as objects', () => {
  const cidrs = '/apis/networking.k8s.io/v1/servicecidrs'
  const addresses = '/apis/networking.k8s.io/v1/ipaddresses'

  test('an address names its Service, and is told to watchers', async () => {
    api = await startTestServer(v4Only)
    const watch = await api.watch(`${addresses}?watch=true`)
    const { spec } = await put('POST', {})
    const { body } = await api.request('GET', `${addresses}/${spec?.clusterIP}`)
    expect(body).toMatchObject({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: {
        name: spec?.clusterIP,
        uid: expect.stringMatching(/./),
        labels: {
          'ipaddress.kubernetes.io/ip-family': 'IPv4',
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { group: '', resource: 'services', namespace: 'default', name: 'web' } },
    })
    await api.request('DELETE', `${services}/web`)
    expect(watch.events.map(({ type }) => type)).toEqual(['ADDED', 'DELETED'])
    watch.stop()
  })

  test('an address must say what holds it', async () => {
    api = await startTestServer(v4Only)
    const { status, body } = await api.request('POST', addresses, { metadata: { name: '10.7.0.8' }, spec: {} })
    expect([status, body.message]).toEqual([
      422,
      'IPAddress.networking.k8s.io "10.7.0.8" is invalid: spec.parentRef: Required value',
    ])
  })

  test('an address that something else holds is nobody’s cluster IP', async () => {
    api = await startTestServer({ serviceCidrs: ['10.0.0.0/30'] })
    const parentRef = { group: 'gateway.networking.k8s.io', resource: 'gateways', namespace: 'default', name: 'g' }
    await api.request('POST', addresses, { metadata: { name: '10.0.0.1' }, spec: { parentRef } })
    expect((await put('POST', {})).spec?.clusterIP).toBe('10.0.0.2')
  })

  test('a full range is followed by another one that is added', async () => {
    api = await startTestServer({ serviceCidrs: ['10.0.0.0/30'] })
    await put('POST', {}, 'a')
    await put('POST', {}, 'b')
    const full = await api.request('POST', services, { metadata: { name: 'c' }, spec: { ports } })
    expect(full.body.message).toBe(
      'Internal error occurred: failed to allocate a serviceIP for Service "c": range is full',
    )
    await api.request('POST', cidrs, { metadata: { name: 'more' }, spec: { cidrs: ['10.9.0.0/28'] } })
    expect((await put('POST', {}, 'c')).spec?.clusterIP).toMatch(/^10\.9\.0\./)
    // One that is on its way out, or not ready, gives none.
    await api.request(
      'PATCH',
      `${cidrs}/more`,
      { metadata: { finalizers: ['example.org/x'] } },
      { 'content-type': 'application/merge-patch+json' },
    )
    await api.request('DELETE', `${cidrs}/more`)
    const gone = await api.request('POST', services, {
      metadata: { name: 'd' },
      spec: { ports, clusterIP: '10.9.0.9' },
    })
    expect(gone.body.message).toContain('the provided network does not match the current range')
  })

  test('what another Service holds is not freed with a Service that claims it, too', async () => {
    api = await startTestServer(v4Only)
    const { spec } = await put('POST', { type: 'NodePort' })
    const ip = spec?.clusterIP ?? ''
    const port = String(spec?.ports?.[0]?.nodePort)
    const other = { metadata: { name: 'other', namespace: 'default' }, spec }
    const value = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Service', ...other }))
    await api.store.commit({
      compare: [],
      operations: [{ type: 'put', key: '/registry/core/services/default/other', value }],
    })
    await api.request('DELETE', `${services}/other`)
    expect([await heldIPs(), await heldPorts()]).toEqual([[ip], [port]])
  })

  test('the ledger of node ports claims what is free and releases what it saw', async () => {
    api = await startTestServer(v4Only)
    const ledger = new NodePortLedger(api.store, { nodePortRange: { from: 30000, to: 32767 } })
    const holder = { namespace: 'default', name: 'web' }
    expect(await ledger.claim(30001, holder)).toBe(true)
    expect(await ledger.claim(30001, holder)).toBe(false)
    const [claim] = await ledger.list()
    expect(claim).toMatchObject({ port: 30001, holder: 'default/web' })
    expect(await ledger.release({ ...claim!, revision: 1 })).toBe(false)
    expect(await ledger.release(claim!)).toBe(true)
    expect(await heldPorts()).toEqual([])
  })
})
