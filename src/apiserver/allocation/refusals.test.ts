import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  cidrMessage,
  ipMessage,
  named,
  port,
  qualifiedMessage,
  refusals,
  subdomainMessage,
} from '../../api/core/service/refusals.fixture.ts'
import type { ServiceSpec, ServiceStatus } from '../../api/generated/v1.ts'
import { startTestServer, type TestServer } from '../test-server.ts'

/** Clusters by their service ranges. */
const clusters = {
  IPv4: ['10.96.0.0/24'],
  IPv6: ['fd00:10:96::/112'],
  dual: ['10.96.0.0/24', 'fd00:10:96::/112'],
} as const
type Cluster = keyof typeof clusters

const servers = new Map<Cluster, TestServer>()
const services = '/api/v1/namespaces/default/services'
const valid: ServiceSpec = { ports: [{ port: 80 }] }
const taken = { clusterIP: '10.96.0.200', type: 'NodePort', ports: [{ port: 80, nodePort: 30500 }] }

beforeAll(async () => {
  for (const [name, serviceCidrs] of Object.entries(clusters)) {
    const server = await startTestServer({ serviceCidrs })
    servers.set(name as Cluster, server)
    if (name !== 'IPv6') await server.request('POST', services, { metadata: { name: 'taken' }, spec: taken })
  }
})
afterAll(() => Promise.all([...servers.values()].map((server) => server[Symbol.asyncDispose]())))

const api = (cluster: Cluster) => servers.get(cluster)!
const body = (spec: object, metadata: object = {}) => ({ metadata: { name: 'web', ...metadata }, spec })

async function stored(cluster: Cluster) {
  const kvs = (await api(cluster).store.range({ prefix: '/registry/' })).kvs
  return kvs.map(({ key }) => key).filter((key) => !key.includes('/taken') && !key.includes('10.96.0.200'))
}

/** Refused as Invalid with these errors, and nothing is left behind. */
async function expectInvalid(answer: { status: number; body: object }, errors: readonly string[], name = 'web') {
  const unique = [...new Set(errors)]
  const text = unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`
  expect(answer.body).toMatchObject({ reason: 'Invalid', message: `Service "${name}" is invalid: ${text}` })
  expect(answer.status).toBe(422)
  const { causes } = (answer.body as { details: { causes: { field: string; message: string }[] } }).details
  expect(causes.map(({ field, message }) => `${field}: ${message}`)).toEqual(errors)
}

const policy = 'spec.ipFamilyPolicy: Invalid value:'
const notDual = 'this cluster is not configured for dual-stack services'
const several = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
const mismatch = 'the provided network does not match the current range'
const used = 'provided IP is already allocated'
const cannot = (ips: string[], ip: string, why: string) =>
  `spec.clusterIPs: Invalid value: ${JSON.stringify(ips)}: failed to allocate IP ${ip}: ${why}`
const badPort = (number: number, why: string, i = 0) => `spec.ports[${i}].nodePort: Invalid value: ${number}: ${why}`
const outOfRange = 'provided port is not in the valid range. The range of valid ports is 30000-32767'
const portTaken = 'provided port is already allocated'
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'"
const v4 = '10.96.0.5'
const v6 = 'fd00:10:96::5'

const creates: [string, Cluster, ServiceSpec, string[]][] = [
  [
    'cluster IP with leading zeros',
    'IPv4',
    { clusterIP: '010.96.0.7' },
    ['spec.clusterIPs[0]: Invalid value: "010.96.0.7": must not have leading 0s'],
  ],
  [
    'cluster IP of IPv4 as IPv6',
    'IPv4',
    { clusterIP: '::ffff:10.96.0.7' },
    ['spec.clusterIPs[0]: Invalid value: "::ffff:10.96.0.7": must not be an IPv4-mapped IPv6 address'],
  ],
  [
    'external IP with leading zeros',
    'IPv4',
    { externalIPs: ['192.0.02.1'] },
    ['spec.externalIPs[0]: Invalid value: "192.0.02.1": must not have leading 0s'],
  ],
  [
    'source range that is an address in a block',
    'IPv4',
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.1/8'] },
    ['spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length'],
  ],
  [
    'source range with leading zeros',
    'IPv4',
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/08'] },
    ['spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0/08": must not have leading 0s in IP or prefix length'],
  ],
  [
    'cluster IP outside of the range',
    'IPv4',
    { clusterIP: '10.97.0.1' },
    [cannot(['10.97.0.1'], '10.97.0.1', mismatch)],
  ],
  ['network address', 'IPv4', { clusterIP: '10.96.0.0' }, [cannot(['10.96.0.0'], '10.96.0.0', mismatch)]],
  ['broadcast address', 'IPv4', { clusterIP: '10.96.0.255' }, [cannot(['10.96.0.255'], '10.96.0.255', mismatch)]],
  ['cluster IP of another', 'IPv4', { clusterIP: '10.96.0.200' }, [cannot(['10.96.0.200'], '10.96.0.200', used)]],
  ['second address outside', 'dual', both(v4, 'fd99::1'), [cannot([v4, 'fd99::1'], 'fd99::1', mismatch)]],
  [
    'IPv6 subnet-router address',
    'IPv6',
    { clusterIP: 'fd00:10:96::' },
    [cannot(['fd00:10:96::'], 'fd00:10:96::', mismatch)],
  ],
  ['IPv6 outside of the range', 'IPv6', { clusterIP: 'fd99::1' }, [cannot(['fd99::1'], 'fd99::1', mismatch)]],
  ['node port below the range', 'IPv4', np({ nodePort: 29999 }), [badPort(29999, outOfRange)]],
  ['node port above the range', 'IPv4', np({ nodePort: 32768 }), [badPort(32768, outOfRange)]],
  [
    'one node port for two ports',
    'IPv4',
    { type: 'NodePort', ...named({ nodePort: 30080 }, { nodePort: 30080 }) },
    [badPort(30080, portTaken, 1)],
  ],
  ['a taken node port, and no port', 'IPv4', np({ port: 0, nodePort: 30500 }), [badPort(30500, portTaken)]],
  [
    'a cluster IP out of range, and a bad type of affinity',
    'IPv4',
    { clusterIP: '10.97.0.1', sessionAffinity: 'Header' },
    [cannot(['10.97.0.1'], '10.97.0.1', mismatch)],
  ],
  [
    'families the cluster lacks, and a taken node port',
    'IPv4',
    { ...np({ nodePort: 30500 }), ipFamilies: ['IPv6'] },
    ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
  ],
  ['node port that is no port', 'IPv4', np({ nodePort: 70000 }), [badPort(70000, outOfRange)]],
  ['negative node port', 'IPv4', np({ nodePort: -1 }), [badPort(-1, outOfRange)]],
  ['node port of another', 'IPv4', np({ nodePort: 30500 }), [badPort(30500, portTaken)]],
  [
    'node port of another, other protocol',
    'IPv4',
    np({ nodePort: 30500, protocol: 'UDP' }),
    [badPort(30500, portTaken)],
  ],
  [
    'node port of another, second port',
    'IPv4',
    { type: 'NodePort', ...named({ nodePort: 30501 }, { nodePort: 30500 }) },
    [badPort(30500, portTaken, 1)],
  ],
  [
    'one node port for two ports',
    'IPv4',
    { type: 'NodePort', ...named({ nodePort: 30502 }, { nodePort: 30502, protocol: 'UDP' }) },
    [badPort(30502, portTaken, 1)],
  ],
  [
    'node port of another, asked for without allocation',
    'IPv4',
    { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ...port({ nodePort: 30500 }) },
    [badPort(30500, portTaken)],
  ],
  [
    'IPv6 on an IPv4 cluster',
    'IPv4',
    { clusterIP: v6 },
    [`spec.clusterIPs[0]: Invalid value: ["${v6}"]: IPv6 is not configured on this cluster`],
  ],
  [
    'IPv4 on an IPv6 cluster',
    'IPv6',
    { clusterIP: v4 },
    [`spec.clusterIPs[0]: Invalid value: ["${v4}"]: IPv4 is not configured on this cluster`],
  ],
  [
    'IPv4 family on an IPv6 cluster',
    'IPv6',
    { ipFamilies: ['IPv4'] },
    ['spec.ipFamilies[0]: Invalid value: "IPv4": not configured on this cluster'],
  ],
  [
    'dual stack required on an IPv6 cluster',
    'IPv6',
    { ipFamilyPolicy: 'RequireDualStack' },
    [`${policy} "RequireDualStack": ${notDual}`],
  ],
  [
    'dual stack required with both families on one',
    'IPv4',
    { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] },
    [
      `${policy} "RequireDualStack": ${notDual}`,
      'spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster',
    ],
  ],
  [
    'both families preferred on one',
    'IPv4',
    { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] },
    ['spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster'],
  ],
  [
    'two families without a policy',
    'dual',
    { ipFamilies: ['IPv4', 'IPv6'] },
    [`${policy} "SingleStack": ${several} IP families are specified`],
  ],
  [
    'two addresses without a policy',
    'dual',
    { clusterIP: v4, clusterIPs: [v4, v6] },
    [`${policy} "SingleStack": ${several} cluster IPs are specified`],
  ],
  [
    'two addresses of one stack by policy',
    'dual',
    { ...both(v4, v6), ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] },
    [
      `${policy} "SingleStack": ${several} cluster IPs are specified`,
      `${policy} "SingleStack": ${several} IP families are specified`,
    ],
  ],
  [
    'addresses in the other order',
    'dual',
    { ...both(v6, v4), ipFamilies: ['IPv4', 'IPv6'] },
    [
      `spec.clusterIPs[0]: Invalid value: "${v6}": expected an IPv4 value as indicated by \`ipFamilies[0]\``,
      `spec.clusterIPs[1]: Invalid value: "${v4}": expected an IPv6 value as indicated by \`ipFamilies[1]\``,
    ],
  ],
  [
    'two addresses of one family',
    'dual',
    both(v4, '10.96.0.6'),
    [`spec.clusterIPs: Invalid value: ["${v4}","10.96.0.6"]: may specify no more than one IP for each IP family`],
  ],
  [
    'three addresses',
    'dual',
    { ...both(v4, v6), clusterIPs: [v4, v6, '10.96.0.7'] },
    [`spec.clusterIPs: Invalid value: ["${v4}","${v6}","10.96.0.7"]: may only hold up to 2 values`],
  ],
  ['second address that is none', 'dual', both(v4, 'x'), [`spec.clusterIPs[1]: Invalid value: "x": ${ipMessage}`]],
  [
    'a family twice',
    'dual',
    { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv6'] },
    ['spec.ipFamilies[1]: Duplicate value: "IPv6"'],
  ],
  [
    'a family that does not exist',
    'dual',
    { ipFamilies: ['IPv5'] },
    ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'],
  ],
  [
    'headless with an address',
    'dual',
    both('None', v6),
    [`spec.clusterIPs: Invalid value: ["None","${v6}"]: 'None' must be the first and only value`],
  ],
  [
    'appProtocol of nothing',
    'IPv4',
    port({ appProtocol: '' }),
    [
      'spec.ports[0].appProtocol: Invalid value: "": name part must be non-empty',
      `spec.ports[0].appProtocol: Invalid value: "": ${qualifiedMessage}`,
    ],
  ],
  [
    'trafficDistribution of nothing',
    'IPv4',
    { trafficDistribution: '' },
    [
      'spec.trafficDistribution: Unsupported value: "": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ],
  ],
  [
    'internalTrafficPolicy of nothing',
    'IPv4',
    { internalTrafficPolicy: '' },
    ['spec.internalTrafficPolicy: Unsupported value: "": supported values: "Cluster", "Local"'],
  ],
  [
    'loadBalancerClass with a bad prefix',
    'IPv4',
    { type: 'LoadBalancer', loadBalancerClass: 'A_/b' },
    [`spec.loadBalancerClass: Invalid value: "A_/b": prefix part ${subdomainMessage}`],
  ],
  [
    'loadBalancerClass of NodePort',
    'IPv4',
    { type: 'NodePort', loadBalancerClass: 'a/b' },
    [`spec.loadBalancerClass: Forbidden: ${onlyLoadBalancer}`],
  ],
  [
    'allocation switched off for NodePort',
    'IPv4',
    { type: 'NodePort', allocateLoadBalancerNodePorts: false },
    [`spec.allocateLoadBalancerNodePorts: Forbidden: ${onlyLoadBalancer}`],
  ],
  [
    'source range of IPv6 that is none',
    'IPv4',
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['fd00::/129'] },
    [`spec.LoadBalancerSourceRanges[0]: Invalid value: "fd00::/129": ${cidrMessage}`],
  ],
  [
    'external IPv6 loopback',
    'IPv4',
    { externalIPs: ['::1'] },
    ['spec.externalIPs[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [
    'external IPv6 unspecified',
    'IPv4',
    { externalIPs: ['::'] },
    ['spec.externalIPs[0]: Invalid value: "::": may not be unspecified (::)'],
  ],
  [
    'external IPv6 multicast',
    'IPv4',
    { externalIPs: ['ff02::1'] },
    [
      'spec.externalIPs[0]: Invalid value: "ff02::1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    ],
  ],
]

function both(first: string, second: string): ServiceSpec {
  return { clusterIP: first, clusterIPs: [first, second], ipFamilyPolicy: 'RequireDualStack' }
}

function np(change: object): ServiceSpec {
  return { type: 'NodePort', ...port(change) }
}

const local: ServiceSpec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }
const dualStack: ServiceSpec = both(v4, v6)

/** From a stored Service to what it may not become; what a client leaves out is kept. */
const updates: [string, Cluster, ServiceSpec, ServiceSpec, string[]][] = [
  [
    'another address',
    'IPv4',
    { clusterIP: v4 },
    { clusterIP: '10.96.0.6' },
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set'],
  ],
  [
    'headless',
    'IPv4',
    { clusterIP: v4 },
    { clusterIP: 'None' },
    ['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'],
  ],
  [
    'no more headless',
    'IPv4',
    { clusterIP: 'None', selector: { app: 'web' } },
    { clusterIP: v4 },
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.5"]: may not change once set'],
  ],
  [
    'headless NodePort',
    'IPv4',
    { clusterIP: 'None' },
    { type: 'NodePort' },
    ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  ],
  [
    'another primary family',
    'dual',
    { clusterIP: v4 },
    { ipFamilies: ['IPv6'] },
    [`spec.clusterIPs[0]: Invalid value: "${v4}": expected an IPv6 value as indicated by \`ipFamilies[0]\``],
  ],
  [
    'families in the other order',
    'dual',
    dualStack,
    { ...dualStack, ipFamilies: ['IPv6', 'IPv4'] },
    [
      `spec.clusterIPs[0]: Invalid value: "${v4}": expected an IPv6 value as indicated by \`ipFamilies[0]\``,
      `spec.clusterIPs[1]: Invalid value: "${v6}": expected an IPv4 value as indicated by \`ipFamilies[1]\``,
    ],
  ],
  [
    'another second address',
    'dual',
    dualStack,
    both(v4, 'fd00:10:96::6'),
    [`spec.clusterIPs[1]: Invalid value: ["${v4}","fd00:10:96::6"]: may not change once set`],
  ],
  [
    'one address without saying so',
    'dual',
    dualStack,
    { ...dualStack, clusterIPs: [v4] },
    [`${policy} "RequireDualStack": must be 'SingleStack' to release the secondary cluster IP`],
  ],
  [
    'one family without saying so',
    'dual',
    dualStack,
    { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4'] },
    [`${policy} "PreferDualStack": must be 'SingleStack' to release the secondary IP family`],
  ],
  [
    'dual stack where there is none',
    'IPv4',
    {},
    { ipFamilyPolicy: 'RequireDualStack' },
    [`${policy} "RequireDualStack": ${notDual}`],
  ],
  [
    'a taken second address',
    'dual',
    { clusterIP: v4 },
    both(v4, 'fd99::9'),
    [cannot([v4, 'fd99::9'], 'fd99::9', mismatch)],
  ],
  ['a taken node port', 'IPv4', {}, np({ nodePort: 30500 }), [badPort(30500, portTaken)]],
  [
    'a taken node port, and no protocol',
    'IPv4',
    {},
    np({ nodePort: 30500, protocol: 'HTTP' }),
    [badPort(30500, portTaken)],
  ],
  ['a node port out of range', 'IPv4', np({ nodePort: 30600 }), np({ nodePort: 80 }), [badPort(80, outOfRange)]],
  [
    'ClusterIP with a new node port',
    'IPv4',
    np({ nodePort: 30600 }),
    { type: 'ClusterIP', ...port({ nodePort: 30601 }) },
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  ['ExternalName without a name', 'IPv4', {}, { type: 'ExternalName' }, ['spec.externalName: Required value']],
  [
    'ExternalName with another address',
    'IPv4',
    { clusterIP: v4 },
    { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.96.0.6', clusterIPs: [v4] },
    ['spec.clusterIPs: Forbidden: may not be set for ExternalName services'],
  ],
  [
    'ExternalName with another policy',
    'IPv4',
    {},
    { type: 'ExternalName', externalName: 'a.b', ipFamilyPolicy: 'PreferDualStack' },
    ['spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services'],
  ],
  [
    'a taken address after ExternalName',
    'IPv4',
    { type: 'ExternalName', externalName: 'a.b' },
    { clusterIP: '10.96.0.200' },
    [cannot(['10.96.0.200'], '10.96.0.200', used)],
  ],
  [
    'another class',
    'IPv4',
    { type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    { type: 'LoadBalancer', loadBalancerClass: 'a/c' },
    ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'],
  ],
  [
    'no class any more',
    'IPv4',
    { type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    { type: 'LoadBalancer' },
    ['spec.loadBalancerClass: Invalid value: null: may not change once set'],
  ],
  [
    'a class for a former load balancer',
    'IPv4',
    { type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    { type: 'NodePort', loadBalancerClass: 'a/c' },
    [`spec.loadBalancerClass: Forbidden: ${onlyLoadBalancer}`],
  ],
  [
    'another health check port',
    'IPv4',
    { ...local, healthCheckNodePort: 30700 },
    { ...local, healthCheckNodePort: 30701 },
    ['spec.healthCheckNodePort: Forbidden: field is immutable'],
  ],
  [
    'a health check port without need',
    'IPv4',
    { ...local, healthCheckNodePort: 30700 },
    { type: 'LoadBalancer', externalTrafficPolicy: 'Cluster', healthCheckNodePort: 30701 },
    [
      "spec.healthCheckNodePort: Invalid value: 30701: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  ],
  [
    'ClusterIP with another external policy',
    'IPv4',
    { type: 'NodePort' },
    { type: 'ClusterIP', externalTrafficPolicy: 'Local' },
    ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
  ],
  ['no ports', 'IPv4', {}, { ports: [] }, ['spec.ports: Required value']],
  [
    'a bad external IP beside a good one',
    'IPv4',
    { externalIPs: ['192.0.2.1'] },
    { externalIPs: ['192.0.2.1', 'x'] },
    [`spec.externalIPs[1]: Invalid value: "x": ${ipMessage}`],
  ],
]

const statuses: [string, ServiceSpec, ServiceStatus, string[]][] = [
  [
    'ClusterIP with an address',
    {},
    { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
    ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
  ],
  [
    'an address that is none',
    { type: 'LoadBalancer' },
    { loadBalancer: { ingress: [{ ip: 'x' }] } },
    [`status.loadBalancer.ingress[0].ip: Invalid value: "x": ${ipMessage}`],
  ],
  [
    'an unknown mode',
    { type: 'LoadBalancer' },
    { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'DSR' }] } },
    ['status.loadBalancer.ingress[0].ipMode: Unsupported value: "DSR": supported values: "Proxy", "VIP"'],
  ],
  [
    'a mode without address',
    { type: 'LoadBalancer' },
    { loadBalancer: { ingress: [{ hostname: 'a.b', ipMode: 'VIP' }] } },
    ['status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set'],
  ],
  [
    'a host name that is an address',
    { type: 'LoadBalancer' },
    { loadBalancer: { ingress: [{ hostname: '192.0.2.1' }] } },
    ['status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'],
  ],
]

describe('a Service is refused on create for', () => {
  test.each(refusals)('%s', async (_name, spec, errors) => {
    const before = await stored('IPv4')
    await expectInvalid(
      await api('IPv4').request('POST', services, body({ selector: { app: 'web' }, ...valid, ...spec })),
      errors,
    )
    expect(await stored('IPv4')).toEqual(before)
  })

  test.each(creates)('%s (%s)', async (_name, cluster, spec, errors) => {
    const before = await stored(cluster)
    const answer = await api(cluster).request('POST', services, body({ ...valid, ...spec }))
    await expectInvalid(answer, errors)
    expect(await stored(cluster)).toEqual(before)
  })

  test.each([
    ['Web', /metadata\.name: Invalid value: "Web": a lowercase RFC 1123 label must consist/],
    ['a.b', /metadata\.name: Invalid value: "a\.b": must not contain dots/],
    ['a'.repeat(64), /metadata\.name: Invalid value: "a{64}": must be no more than 63/],
  ])('the name %s', async (name, message) => {
    const answer = await api('IPv4').request('POST', services, { metadata: { name }, spec: valid })
    expect([answer.status, answer.body.message]).toEqual([422, expect.stringMatching(message)])
  })

  test.each([
    ['a health check port out of range', 70000, outOfRange],
    ['a taken health check port', 30500, portTaken],
  ])('%s', async (_name, healthCheckNodePort, why) => {
    const answer = await api('IPv4').request('POST', services, body({ ...valid, ...local, healthCheckNodePort }))
    const reason = `failed to allocate requested HealthCheck NodePort ${healthCheckNodePort}: ${why}`
    expect(answer).toMatchObject({ status: 500, body: { message: `Internal error occurred: ${reason}` } })
  })
})

/** Creates `spec`, does something, and deletes it again; afterwards nothing is held any more. */
async function withService(cluster: Cluster, spec: ServiceSpec, work: () => Promise<void>) {
  const before = await stored(cluster)
  const created = await api(cluster).request('POST', services, body({ ...valid, ...spec }))
  expect(created.status, created.body.message).toBe(201)
  try {
    await work()
  } finally {
    await api(cluster).request('DELETE', `${services}/web`)
  }
  expect(await stored(cluster)).toEqual(before)
}

describe('a Service is refused on update that becomes', () => {
  test.each(updates)('%s (%s)', (_name, cluster, old, next, errors) =>
    withService(cluster, old, async () => {
      const held = await stored(cluster)
      const answer = await api(cluster).request('PUT', `${services}/web`, body({ ...valid, ...next }))
      await expectInvalid(answer, errors)
      expect(await stored(cluster)).toEqual(held)
    }),
  )

  test('one node port twice', () =>
    withService('IPv4', { type: 'NodePort' }, async () => {
      const twice = { type: 'NodePort', ...named({ nodePort: 30600 }, { nodePort: 30600 }) }
      const answer = await api('IPv4').request('PUT', `${services}/web`, body(twice))
      expect(answer).toMatchObject({ status: 500, body: { message: 'duplicate nodePort: {TCP 30600}' } })
    }))

  test.each(statuses)('%s', (_name, spec, status, errors) =>
    withService('IPv4', spec, async () => {
      const answer = await api('IPv4').request('PUT', `${services}/web/status`, {
        ...body({ ...valid, ...spec }),
        status,
      })
      await expectInvalid(answer, errors)
    }),
  )
})

test('at least 120 refusals', () => {
  const count = refusals.length + creates.length + updates.length + statuses.length
  expect(count).toBeGreaterThanOrEqual(120)
})
