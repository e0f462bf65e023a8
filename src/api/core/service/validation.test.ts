import { describe, expect, test } from 'vitest'
import { create, dualStack, update } from '../../common/testing.ts'
import type { Service, ServiceSpec } from '../../generated/v1.ts'
import { ipMessage, named, port, refusals } from './refusals.fixture.ts'

function service(spec: ServiceSpec, metadata: Partial<Service['metadata']> = {}): Service {
  return {
    metadata: { name: 'web', namespace: 'demo', ...metadata },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
  }
}
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
