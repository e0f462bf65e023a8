/** Services that Kubernetes refuses, and what it says; for tests of validation and of the whole server. */
import type { ServicePort, ServiceSpec } from '../../generated/v1.ts'
import { isDNS1123Label } from '../../machinery/validate.ts'

/** One port with something changed. */
export const port = (change: Partial<ServicePort>): ServiceSpec => ({ ports: [{ port: 80, ...change }] })
export const named = (...ports: Partial<ServicePort>[]): ServiceSpec => ({
  ports: ports.map((one, i) => ({ name: `p${i}`, port: 80 + i, ...one })),
})

const label63 = 'a'.repeat(63)
const labelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
export const subdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
export const qualifiedMessage =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const portRange = 'must be between 1 and 65535, inclusive'
export const ipMessage = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
export const cidrMessage = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'"
const internalPort = (protocol: string, number: number) =>
  `{"Name":"","Protocol":"${protocol}","AppProtocol":null,"Port":${number},"TargetPort":0,"NodePort":0}`

/** What is asked for on a single-stack IPv4 cluster, and the errors. */
export const refusals: [string, ServiceSpec, string[]][] = [
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
    'one port with its node port twice',
    { type: 'NodePort', ...named({ nodePort: 30080 }, { port: 80, nodePort: 30080 }) },
    ['spec.ports[1].nodePort: Duplicate value: 30080', `spec.ports[1]: Duplicate value: ${internalPort('TCP', 80)}`],
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
    ['spec.clusterIPs: Invalid value: ["10.96.0.4","fd00::1","10.96.0.5"]: may only hold up to 2 values'],
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
    'empty family policy',
    { ipFamilyPolicy: '' },
    [
      'spec.ipFamilyPolicy: Unsupported value: "": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
  ],
  [
    'empty family policy of an ExternalName',
    { type: 'ExternalName', externalName: 'a.b', ipFamilyPolicy: '' },
    ['spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services'],
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
