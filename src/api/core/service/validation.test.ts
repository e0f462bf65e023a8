import { describe, expect, test } from 'vitest'
import { create, dualStack, update } from '../../common/testing.ts'
import type { Service, ServicePort, ServiceSpec } from '../../generated/v1.ts'
import { isDNS1123Label } from '../../machinery/validate.ts'

function service(spec: ServiceSpec, metadata: Partial<Service['metadata']> = {}): Service {
  return {
    metadata: { name: 'web', namespace: 'demo', ...metadata },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
  }
}

/** One port with something changed. */
const port = (change: Partial<ServicePort>): ServiceSpec => ({ ports: [{ port: 80, ...change }] })
const named = (...ports: Partial<ServicePort>[]): ServiceSpec => ({
  ports: ports.map((one, i) => ({ name: `p${i}`, port: 80 + i, ...one })),
})

const label63 = 'a'.repeat(63)
const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const qualifiedMessage =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const portRange = 'must be between 1 and 65535, inclusive'
const ipMessage = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const cidrMessage = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'"
const internalPort = (protocol: string, number: number) =>
  `{"Name":"","Protocol":"${protocol}","AppProtocol":null,"Port":${number},"TargetPort":0,"NodePort":0}`

const refusals: [string, ServiceSpec, string[]][] = [
  ['no ports', { ports: [] }, ['spec.ports: Required value']],
  [
    'port 0',
    port({ port: 0 }),
    [`spec.ports[0].port: Invalid value: 0: ${portRange}`, `spec.ports[0].targetPort: Invalid value: 0: ${portRange}`],
  ],
  ['port too high', port({ port: 65536, targetPort: 80 }), [`spec.ports[0].port: Invalid value: 65536: ${portRange}`]],
  ['negative port', port({ port: -1, targetPort: 80 }), [`spec.ports[0].port: Invalid value: -1: ${portRange}`]],
  [
    'target port too high',
    port({ targetPort: 70000 }),
    [`spec.ports[0].targetPort: Invalid value: 70000: ${portRange}`],
  ],
  [
    'target port name too long',
    port({ targetPort: 'a-name-with-17-ch' }),
    ['spec.ports[0].targetPort: Invalid value: "a-name-with-17-ch": must be no more than 15 characters'],
  ],
  [
    'target port name with capitals',
    port({ targetPort: 'HTTP' }),
    [
      'spec.ports[0].targetPort: Invalid value: "HTTP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'spec.ports[0].targetPort: Invalid value: "HTTP": must contain at least one letter (a-z)',
    ],
  ],
  [
    'target port name of digits',
    port({ targetPort: '8080' }),
    ['spec.ports[0].targetPort: Invalid value: "8080": must contain at least one letter (a-z)'],
  ],
  [
    'target port name with two hyphens',
    port({ targetPort: 'a--b' }),
    ['spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens'],
  ],
  [
    'target port name with a hyphen at the end',
    port({ targetPort: 'a-' }),
    ['spec.ports[0].targetPort: Invalid value: "a-": must not begin or end with a hyphen'],
  ],
  [
    'protocol HTTP',
    port({ protocol: 'HTTP' }),
    ['spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'],
  ],
  [
    'protocol in lower case',
    port({ protocol: 'tcp' }),
    ['spec.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"'],
  ],
  ['port name with capitals', port({ name: 'Web' }), [`spec.ports[0].name: Invalid value: "Web": ${labelMessage}`]],
  [
    'port name too long',
    port({ name: `${label63}a` }),
    [`spec.ports[0].name: Invalid value: "${label63}a": ${isDNS1123Label(`${label63}a`)[0]}`],
  ],
  ['port name with a dot', port({ name: 'a.b' }), [`spec.ports[0].name: Invalid value: "a.b": must not contain dots`]],
  [
    'bad appProtocol',
    port({ appProtocol: 'a b' }),
    [`spec.ports[0].appProtocol: Invalid value: "a b": ${qualifiedMessage}`],
  ],
  [
    'two unnamed ports',
    { ports: [{ port: 80 }, { port: 81 }] },
    ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value'],
  ],
  [
    'one of two ports unnamed',
    { ports: [{ name: 'a', port: 80 }, { port: 81 }] },
    ['spec.ports[1].name: Required value'],
  ],
  ['two ports of one name', named({ name: 'x' }, { name: 'x' }), ['spec.ports[1].name: Duplicate value: "x"']],
  ['one port twice', named({ port: 80 }, { port: 80 }), [`spec.ports[1]: Duplicate value: ${internalPort('TCP', 80)}`]],
  [
    'one UDP port twice',
    named({ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'UDP' }),
    [`spec.ports[1]: Duplicate value: ${internalPort('UDP', 53)}`],
  ],
  [
    'node port in a ClusterIP Service',
    port({ nodePort: 30080 }),
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    'one node port twice',
    { type: 'NodePort', ...named({ nodePort: 30080 }, { nodePort: 30080 }) },
    ['spec.ports[1].nodePort: Duplicate value: 30080'],
  ],
  [
    'unknown type',
    { type: 'Cluster' },
    [
      'spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  ],
  ['selector key', { selector: { 'a b': 'x' } }, [`spec.selector: Invalid value: "a b": ${qualifiedMessage}`]],
  ['selector value', { selector: { app: 'a b' } }, [`spec.selector: Invalid value: "a b": ${labelValueMessage}`]],
  [
    'unknown affinity',
    { sessionAffinity: 'Cookie' },
    ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
  ],
  [
    'affinity timeout of a negative time',
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: -1 } } },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: -1: must be greater than 0 and less than 86400',
    ],
  ],
  [
    'affinity timeout 0',
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
    ],
  ],
  [
    'affinity timeout above a day',
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
    ],
  ],
  [
    'cluster IP that is no address',
    { clusterIP: 'localhost' },
    [`spec.clusterIPs[0]: Invalid value: "localhost": ${ipMessage}`],
  ],
  [
    'cluster IP with four digits',
    { clusterIP: '10.96.0.1234' },
    [`spec.clusterIPs[0]: Invalid value: "10.96.0.1234": ${ipMessage}`],
  ],
  [
    'clusterIPs without clusterIP',
    { clusterIPs: ['10.96.0.5'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.5"]: must be empty when `clusterIP` is not specified'],
  ],
  [
    'clusterIPs and clusterIP differ',
    { clusterIP: '10.96.0.4', clusterIPs: ['10.96.0.5'] },
    ['spec.clusterIPs: Invalid value: ["10.96.0.5"]: first value must match `clusterIP`'],
  ],
  [
    'None with an address',
    { clusterIP: 'None', clusterIPs: ['None', '10.96.0.5'] },
    [`spec.clusterIPs: Invalid value: ["None","10.96.0.5"]: 'None' must be the first and only value`],
  ],
  [
    'None in second place',
    { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5', 'None'] },
    [`spec.clusterIPs[1]: Invalid value: "None": ${ipMessage}`],
  ],
  [
    'two addresses of one family',
    {
      clusterIP: '10.96.0.4',
      clusterIPs: ['10.96.0.4', '10.96.0.5'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    },
    ['spec.clusterIPs: Invalid value: ["10.96.0.4","10.96.0.5"]: may specify no more than one IP for each IP family'],
  ],
  [
    'three addresses',
    {
      clusterIP: '10.96.0.4',
      clusterIPs: ['10.96.0.4', 'fd00::1', '10.96.0.5'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    },
    [
      'spec.clusterIPs: Invalid value: ["10.96.0.4","fd00::1","10.96.0.5"]: may only hold up to 2 values',
      'spec.clusterIPs: Invalid value: ["10.96.0.4","fd00::1","10.96.0.5"]: may specify no more than one IP for each IP family',
    ],
  ],
  [
    'unknown family',
    { ipFamilies: ['IPv5'] },
    ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'],
  ],
  [
    'family twice',
    { ipFamilies: ['IPv4', 'IPv4'], ipFamilyPolicy: 'PreferDualStack' },
    ['spec.ipFamilies[1]: Duplicate value: "IPv4"'],
  ],
  [
    'unknown family policy',
    { ipFamilyPolicy: 'DualStack' },
    [
      'spec.ipFamilyPolicy: Unsupported value: "DualStack": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
  ],
  [
    'family the cluster does not have',
    { ipFamilies: ['IPv6'] },
    ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
  ],
  [
    'dual stack in a single-stack cluster',
    { ipFamilyPolicy: 'RequireDualStack' },
    ['spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'],
  ],
  [
    'address of the other family',
    { clusterIP: 'fd00::1', ipFamilies: ['IPv4'] },
    ['spec.clusterIPs[0]: Invalid value: "fd00::1": expected an IPv4 value as indicated by `ipFamilies[0]`'],
  ],
  [
    'headless NodePort',
    { type: 'NodePort', clusterIP: 'None' },
    ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  ],
  [
    'headless LoadBalancer',
    { type: 'LoadBalancer', clusterIP: 'None' },
    ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services'],
  ],
  ['ExternalName without a name', { type: 'ExternalName' }, ['spec.externalName: Required value']],
  [
    'ExternalName that is a URL',
    { type: 'ExternalName', externalName: 'http://example.org' },
    [`spec.externalName: Invalid value: "http://example.org": ${subdomainMessage}`],
  ],
  [
    'ExternalName with an underscore',
    { type: 'ExternalName', externalName: 'a_b.example.org' },
    [`spec.externalName: Invalid value: "a_b.example.org": ${subdomainMessage}`],
  ],
  [
    'ExternalName with a cluster IP',
    { type: 'ExternalName', externalName: 'example.org', clusterIP: '10.96.0.5' },
    ['spec.clusterIPs: Forbidden: may not be set for ExternalName services'],
  ],
  [
    'ExternalName that is headless',
    { type: 'ExternalName', externalName: 'example.org', clusterIP: 'None' },
    ['spec.clusterIPs: Forbidden: may not be set for ExternalName services'],
  ],
  [
    'ExternalName with families',
    { type: 'ExternalName', externalName: 'example.org', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    [
      'spec.ipFamilies: Forbidden: may not be set for ExternalName services',
      'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services',
    ],
  ],
  ['external IP that is none', { externalIPs: ['host'] }, [`spec.externalIPs[0]: Invalid value: "host": ${ipMessage}`]],
  [
    'external IP 0.0.0.0',
    { externalIPs: ['0.0.0.0'] },
    ['spec.externalIPs[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)'],
  ],
  [
    'external IP on loopback',
    { externalIPs: ['10.0.0.168', '127.0.0.1'] },
    ['spec.externalIPs[1]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [
    'external IP link-local',
    { externalIPs: ['169.254.169.254'] },
    [
      'spec.externalIPs[0]: Invalid value: "169.254.169.254": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ],
  ],
  [
    'external IP link-local, IPv6',
    { externalIPs: ['fe80::1'] },
    ['spec.externalIPs[0]: Invalid value: "fe80::1": may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ],
  [
    'external IP multicast',
    { externalIPs: ['224.0.0.1'] },
    [
      'spec.externalIPs[0]: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    ],
  ],
  [
    'source ranges without LoadBalancer',
    { loadBalancerSourceRanges: ['10.0.0.0/8'] },
    [`spec.LoadBalancerSourceRanges: Forbidden: ${onlyLoadBalancer}`],
  ],
  [
    'source range that is none',
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8', '10.0.0.1'] },
    [`spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.1": ${cidrMessage}`],
  ],
  [
    'allocateLoadBalancerNodePorts without LoadBalancer',
    { allocateLoadBalancerNodePorts: true },
    [`spec.allocateLoadBalancerNodePorts: Forbidden: ${onlyLoadBalancer}`],
  ],
  [
    'loadBalancerClass without LoadBalancer',
    { loadBalancerClass: 'example.org/a' },
    [`spec.loadBalancerClass: Forbidden: ${onlyLoadBalancer}`],
  ],
  [
    'loadBalancerClass malformed',
    { type: 'LoadBalancer', loadBalancerClass: 'a b' },
    [`spec.loadBalancerClass: Invalid value: "a b": ${qualifiedMessage}`],
  ],
  [
    'externalTrafficPolicy of a ClusterIP Service',
    { externalTrafficPolicy: 'Local' },
    ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
  ],
  [
    'externalTrafficPolicy unknown',
    { type: 'NodePort', externalTrafficPolicy: 'Node' },
    ['spec.externalTrafficPolicy: Unsupported value: "Node": supported values: "Cluster", "Local"'],
  ],
  [
    'internalTrafficPolicy unknown',
    { internalTrafficPolicy: 'Node' },
    ['spec.internalTrafficPolicy: Unsupported value: "Node": supported values: "Cluster", "Local"'],
  ],
  [
    'trafficDistribution unknown',
    { trafficDistribution: 'Near' },
    [
      'spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"',
    ],
  ],
  [
    'healthCheckNodePort without need',
    { type: 'NodePort', healthCheckNodePort: 30100 },
    [
      "spec.healthCheckNodePort: Invalid value: 30100: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  ],
]

describe('a new Service is refused for', () => {
  test.each(refusals)('%s', (_name, spec, expected) => {
    expect(create('Service', service(spec)).errors).toEqual(expected)
  })

  test('annotations that contradict each other', () => {
    const annotations = {
      'service.kubernetes.io/topology-aware-hints': 'auto',
      'service.kubernetes.io/topology-mode': 'disabled',
    }
    expect(create('Service', service({}, { annotations })).errors).toEqual([
      'metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "disabled": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified',
    ])
  })

  test('at least 60 reasons', () => {
    expect(refusals.length).toBeGreaterThanOrEqual(60)
    expect(new Set(refusals.map(([name]) => name)).size).toBe(refusals.length)
  })
})

const accepted: [string, ServiceSpec][] = [
  ['a plain Service', {}],
  ['a fixed address', { clusterIP: '10.97.72.1' }],
  ['headless', { clusterIP: 'None' }],
  ['headless without ports', { clusterIP: 'None', ports: [] }],
  ['TCP and UDP on one number', named({ port: 53, protocol: 'TCP' }, { port: 53, protocol: 'UDP' })],
  ['ports by name', named({ targetPort: 'http' }, { targetPort: 'metrics' })],
  ['SCTP', port({ protocol: 'SCTP' })],
  ['ExternalName with a final dot', { type: 'ExternalName', externalName: 'example.org.' }],
  [
    'ExternalName with ports, nodePort 0 and an empty selector',
    { type: 'ExternalName', externalName: 'example.org', ...port({ nodePort: 0 }), selector: {} },
  ],
  ['NodePort', { type: 'NodePort', ...port({ nodePort: 30080 }) }],
  ['LoadBalancer with padded ranges', { type: 'LoadBalancer', loadBalancerSourceRanges: [' 10.0.0.0/8 '] }],
  ['external IPs', { externalIPs: ['10.0.0.168'], externalTrafficPolicy: 'Local' }],
  ['no selector', { selector: {} }],
]

test.each(accepted)('a new Service is accepted with %s', (_name, spec) => {
  expect(create('Service', service(spec)).errors).toEqual([])
})

describe('a changed Service', () => {
  const stored = (spec: ServiceSpec): Service => {
    const { object } = create('Service', service(spec))
    return object
  }
  const change = (old: ServiceSpec, next: ServiceSpec) => update(stored(old), service(next), { kind: 'Service' }).errors

  test.each<[string, ServiceSpec, ServiceSpec, string[]]>([
    [
      'address changed with kubectl apply',
      { clusterIP: '10.97.72.1' },
      { clusterIP: '10.97.72.2', clusterIPs: ['10.97.72.1'] },
      ['spec.clusterIPs[0]: Invalid value: ["10.97.72.2"]: may not change once set'],
    ],
    [
      'address to headless',
      { clusterIP: '10.97.72.1' },
      { clusterIP: 'None', clusterIPs: ['10.97.72.1'] },
      ['spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set'],
    ],
    [
      'headless to address',
      { clusterIP: 'None' },
      { clusterIP: '10.97.72.1', clusterIPs: ['None'] },
      ['spec.clusterIPs[0]: Invalid value: ["10.97.72.1"]: may not change once set'],
    ],
    [
      'family',
      { clusterIP: '10.97.72.1' },
      { clusterIP: '10.97.72.1', ipFamilies: ['IPv6'] },
      ['spec.clusterIPs[0]: Invalid value: "10.97.72.1": expected an IPv6 value as indicated by `ipFamilies[0]`'],
    ],
    [
      'load balancer class',
      { type: 'LoadBalancer' },
      { type: 'LoadBalancer', loadBalancerClass: 'a/b' },
      ['spec.loadBalancerClass: Invalid value: "a/b": may not change once set'],
    ],
    [
      'health check port',
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30100 },
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30101 },
      ['spec.healthCheckNodePort: Forbidden: field is immutable'],
    ],
    [
      'ports to an invalid one',
      {},
      port({ protocol: 'HTTP' }),
      ['spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'],
    ],
  ])('is refused: %s', (_name, old, next, expected) => {
    expect(change(old, next)).toEqual(expected)
  })

  test.each<[string, ServiceSpec, ServiceSpec]>([
    ['the manifest without the allocated address', { clusterIP: '10.97.72.1' }, {}],
    ['to NodePort', { clusterIP: '10.97.72.1' }, { type: 'NodePort' }],
    ['to ExternalName', { clusterIP: '10.97.72.1' }, { type: 'ExternalName', externalName: 'example.org' }],
    ['from ExternalName', { type: 'ExternalName', externalName: 'example.org' }, {}],
    ['the selector', {}, { selector: { app: 'other' } }],
  ])('is accepted: %s', (_name, old, next) => {
    expect(change(old, next)).toEqual([])
  })

  test('loses its secondary address when it becomes single stack', () => {
    const both: ServiceSpec = {
      clusterIP: '10.96.0.5',
      clusterIPs: ['10.96.0.5', 'fd00:10:96::5'],
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
    }
    const { object: old } = create('Service', service(both), dualStack)
    const next = service({ ...both, ipFamilyPolicy: 'SingleStack' })
    const { object, errors } = update(old, next, { kind: 'Service', settings: dualStack })
    expect(errors).toEqual([])
    expect(object.spec).toMatchObject({ clusterIPs: ['10.96.0.5'], ipFamilies: ['IPv4'] })
  })
})

test.each<[string, Service['status'], string, string[]]>([
  [
    'an address on a ClusterIP Service',
    { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } },
    'ClusterIP',
    ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
  ],
  [
    'no address',
    { loadBalancer: { ingress: [{ ip: 'x' }] } },
    'LoadBalancer',
    [`status.loadBalancer.ingress[0].ip: Invalid value: "x": ${ipMessage}`],
  ],
  [
    'unknown mode',
    { loadBalancer: { ingress: [{ ip: '10.0.0.1', ipMode: 'NAT' }] } },
    'LoadBalancer',
    ['status.loadBalancer.ingress[0].ipMode: Unsupported value: "NAT": supported values: "Proxy", "VIP"'],
  ],
  [
    'mode without address',
    { loadBalancer: { ingress: [{ hostname: 'a.example.org', ipMode: 'VIP' }] } },
    'LoadBalancer',
    ['status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set'],
  ],
  [
    'hostname that is an address',
    { loadBalancer: { ingress: [{ hostname: '10.0.0.1' }] } },
    'LoadBalancer',
    ['status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
  ],
])('a Service status is refused with %s', (_name, status, type, expected) => {
  const { object: old } = create('Service', service({ type }))
  expect(update(old, { ...structuredClone(old), status }, { kind: 'Service', subresource: 'status' }).errors).toEqual(
    expected,
  )
})
