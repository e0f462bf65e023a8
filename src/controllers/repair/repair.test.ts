import { afterEach, describe, expect, test } from 'vitest'
import type { IPAddress } from '../../api/generated/networking.k8s.io.v1.ts'
import type { Service, ServiceSpec } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { serviceIPAddress } from '../../api/networking/ipaddress.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { checkClusterIP, checkIPAddress } from './findings.ts'
import { startRepairController } from './index.ts'
import { auditPorts, type NodePortClaim, type NodePortLedger } from './ports.ts'

const ip = '10.96.0.7'
function service(name: string, spec: ServiceSpec = { clusterIP: ip, clusterIPs: [ip] }): Service {
  return { metadata: { namespace: 'demo', name, creationTimestamp: `2026-01-01T00:00:0${name.length}Z` }, spec }
}
const web = service('web')
const held = serviceIPAddress(ip, web)
const unlabelled: IPAddress = { ...held, metadata: { name: ip } }
const gateway: IPAddress = { ...held, spec: { parentRef: { group: 'x', resource: 'gateways', name: 'g' } } }

test.each<[string, IPAddress | undefined, Service[], string | undefined]>([
  ['all is well', held, [web], undefined],
  ['no IPAddress', undefined, [web], 'ClusterIPNotAllocated create'],
  ['IPAddress without labels', unlabelled, [web], 'ClusterIPNotAllocated recreate'],
  ['IPAddress of a gateway', gateway, [web], 'ClusterIPNotAllocated recreate'],
  [
    'IPAddress of a Service that is gone',
    serviceIPAddress(ip, service('old')),
    [web],
    'ClusterIPNotAllocated recreate',
  ],
  [
    'IPAddress of a Service with another one',
    serviceIPAddress(ip, service('old')),
    [web, service('old', {})],
    'ClusterIPNotAllocated recreate',
  ],
  [
    'IPAddress of a Service with the same one',
    serviceIPAddress(ip, service('old')),
    [web, service('old')],
    'ClusterIPAlreadyAllocated undefined',
  ],
])('a cluster IP: %s', (_name, object, services, expected) => {
  const find = (key: string) => services.find((one) => objectKey(one) === key)
  const finding = checkClusterIP(web, { address: ip, object, service: find, inRange: true })
  expect(finding && `${finding.reason} ${finding.repair}`).toBe(expected)
  expect(checkClusterIP(web, { address: ip, object, service: find, inRange: false })?.message).toBe(
    `Cluster IP [IPv4]: ${ip} is not within any configured Service CIDR; please recreate service`,
  )
})

test('an IPAddress of the allocator has a Service that knows it', () => {
  expect(checkIPAddress(held, web)).toBeUndefined()
  expect(checkIPAddress(unlabelled, undefined)).toBeUndefined()
  expect(checkIPAddress(held, undefined)).toBe('leaked')
  expect(checkIPAddress(held, service('web', {}))).toMatchObject({
    reason: 'IPAddressWrongReference',
    repair: 'delete',
  })
  expect(checkIPAddress(gateway, undefined)).toMatchObject({ reason: 'IPAddressNotAllocated', repair: 'delete' })
})

describe('node ports', () => {
  const range = { from: 30000, to: 30100 }
  const np = (name: string, nodePort: number) => service(name, { ports: [{ port: 80, nodePort }] })
  const claim = (port: number, name: string): NodePortClaim => ({ port, holder: `demo/${name}`, revision: 1 })
  const audit = (services: Service[], claims: NodePortClaim[]) =>
    auditPorts(services, claims, range).map((finding) =>
      finding.type === 'leaked' ? `leaked ${finding.claim.holder}` : `${finding.type} ${finding.service.metadata.name}`,
    )

  test.each<[string, Service[], NodePortClaim[], string[]]>([
    ['all is well', [np('a', 30001)], [claim(30001, 'a')], []],
    ['a claim is missing', [np('a', 30001)], [], ['unclaimed a']],
    ['a claim has leaked', [], [claim(30001, 'a')], ['leaked demo/a']],
    ['a port is out of range', [np('a', 80)], [], ['outOfRange a']],
    ['two hold one port: the claim decides', [np('a', 30001), np('bb', 30001)], [claim(30001, 'bb')], ['duplicate a']],
    ['two hold one port: the older has it', [np('bb', 30001), np('a', 30001)], [], ['duplicate bb', 'unclaimed a']],
    ['somebody else holds the claim', [np('a', 30001)], [claim(30001, 'x')], ['leaked demo/x', 'unclaimed a']],
    ['a health check port', [service('a', { healthCheckNodePort: 30002 })], [claim(30002, 'a')], []],
  ])('%s', (_name, services, claims, expected) => expect(audit(services, claims)).toEqual(expected))
})

describe('controller', () => {
  let harness: Harness
  afterEach(() => harness.stop())
  const reasons = () =>
    harness.api.all(resources.events).map(({ reason, involvedObject }) => `${reason} ${involvedObject.name}`)

  async function start(nodePorts?: NodePortLedger) {
    const clock = new FakeClock('2026-01-01T00:10:00Z')
    harness = startHarness((ctx) => startRepairController(ctx, nodePorts), { clock })
    await harness.api.create(resources.serviceCidrs, {
      metadata: { name: 'kubernetes' },
      spec: { cidrs: ['10.96.0.0/12'] },
    })
    return { ...harness, clock }
  }

  test('what a Service needs is made again, with an Event', async () => {
    const { api, clock, quiet, until } = await start()
    await api.create(resources.services, web)
    await quiet()
    clock.advance(1000)
    await until('the event', () => reasons().length > 0)
    expect(reasons()).toEqual(['ClusterIPNotAllocated web'])
    expect(api.all(resources.ipAddresses)).toMatchObject([{ metadata: held.metadata, spec: held.spec }])
    await quiet()
    clock.advance(200_000)
    await quiet()
    expect(reasons()).toHaveLength(1)
  })

  test('two Services of one address are told, and nothing is taken from either', async () => {
    const { api, clock, quiet, until } = await start()
    await api.create(resources.ipAddresses, held)
    await api.create(resources.services, web)
    await api.create(resources.services, service('other'))
    await quiet()
    clock.advance(1000)
    await until('the event', () => reasons().length > 0)
    expect(reasons()).toEqual(['ClusterIPAlreadyAllocated other'])
    expect(api.all(resources.ipAddresses)).toHaveLength(1)
  })

  test('a leaked IPAddress goes', async () => {
    const { api, clock, quiet, until } = await start()
    await api.create(resources.ipAddresses, held)
    await quiet()
    clock.advance(1000)
    await until('the event', () => reasons().length > 0)
    expect(reasons()).toEqual([`IPAddressNotAllocated ${ip}`])
    expect(api.all(resources.ipAddresses)).toEqual([])
  })

  test('node ports are claimed and released, with Events', async () => {
    const claims = new Map<number, string>([[30009, 'demo/gone']])
    const ledger: NodePortLedger = {
      range: { from: 30000, to: 32767 },
      list: async () => [...claims].map(([port, holder]) => ({ port, holder, revision: 1 })),
      claim: async (port, { namespace, name }) => {
        claims.set(port, `${namespace}/${name}`)
        return true
      },
      release: async ({ port }) => claims.delete(port),
    }
    const { api, clock, until } = await start(ledger)
    await until('the leak is seen', () => !claims.has(30009))
    await api.create(resources.services, service('np', { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] }))
    clock.advance(180_000)
    await until('the claim', () => claims.get(30001) === 'demo/np')
    await until('the events', () => reasons().length === 2)
    expect(reasons()).toEqual(['PortNotAllocated gone', 'PortNotAllocated np'])
  })
})
