import { describe, expect, test } from 'vitest'
import { create, definitionOf, row, update } from '../common/testing.ts'
import type {
  HTTPIngressPath,
  Ingress,
  IngressClass,
  IngressClassSpec,
  IngressSpec,
  NetworkPolicy,
  NetworkPolicySpec,
} from '../generated/networking.k8s.io.v1.ts'

const metadata = { name: 'web', namespace: 'demo', creationTimestamp: '2026-11-21T00:00:00Z' }
const now = new Date('2026-11-21T00:05:05Z')
const backend = { service: { name: 'web', port: { number: 80 } } }
const ingress = (spec: IngressSpec): Ingress => ({ metadata, spec })
const withPath = (change: Partial<HTTPIngressPath>): IngressSpec => ({
  rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...change }] } }],
})
const at = 'spec.rules[0].http.paths[0]'

describe('Ingress', () => {
  test('is stored with what Kubernetes writes, too', () => {
    const { object, errors } = create('Ingress', {
      ...ingress({ defaultBackend: { service: { name: 'web', port: { name: 'http' } } } }),
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    })
    expect(errors).toEqual([])
    expect(object).toMatchObject({ metadata: { generation: 1 }, status: { loadBalancer: {} } })
    expect(object.status?.loadBalancer).toEqual({})
  })

  test.each<[string, IngressSpec, string[]]>([
    ['nothing to route', {}, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    [
      'an address as host',
      { rules: [{ host: '10.0.0.1' }] },
      ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ],
    [
      'a wildcard in the middle',
      { rules: [{ host: 'a.*.b' }] },
      [
        "spec.rules[0].host: Invalid value: \"a.*.b\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      ],
    ],
    ['no paths', { rules: [{ http: { paths: [] } }] }, ['spec.rules[0].http.paths: Required value']],
    ['no path type', withPath({ pathType: '' }), [`${at}.pathType: Required value: pathType must be specified`]],
    [
      'an unknown path type',
      withPath({ pathType: 'Regex' }),
      [`${at}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    ['a relative path', withPath({ path: 'a' }), [`${at}.path: Invalid value: "a": must be an absolute path`]],
    [
      'a path that climbs',
      withPath({ path: '/a/../b//..' }),
      [
        `${at}.path: Invalid value: "/a/../b//..": must not contain '//'`,
        `${at}.path: Invalid value: "/a/../b//..": must not contain '/../'`,
        `${at}.path: Invalid value: "/a/../b//..": cannot end with '/..'`,
      ],
    ],
    [
      'no backend',
      withPath({ backend: {} }),
      [`${at}.backend: Invalid value: "": resource or service backend is required`],
    ],
    [
      'two backends',
      withPath({ backend: { ...backend, resource: { kind: 'Bucket', name: 'b' } } }),
      [`${at}.backend: Invalid value: "": cannot set both resource and service backends`],
    ],
    [
      'no port',
      withPath({ backend: { service: { name: 'web' } } }),
      [`${at}.backend: Required value: port name or number is required`],
    ],
    [
      'two ports',
      withPath({ backend: { service: { name: 'web', port: { name: 'http', number: 80 } } } }),
      [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [
      'a port out of range',
      withPath({ backend: { service: { name: 'web', port: { number: 70000 } } } }),
      [`${at}.backend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive`],
    ],
  ])('is refused for %s', (_name, spec, expected) => {
    expect(create('Ingress', ingress(spec)).errors).toEqual(expected)
  })

  test('its class is named once', () => {
    const annotations = { 'kubernetes.io/ingress.class': 'a' }
    const annotated = { metadata: { ...metadata, annotations }, spec: { defaultBackend: backend } }
    const both = { ...annotated, spec: { defaultBackend: backend, ingressClassName: 'b' } }
    expect(create('Ingress', both).errors).toEqual([
      'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
    ])
    expect(definitionOf('Ingress').warningsOnCreate?.(annotated)).toEqual([
      'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead',
    ])
  })

  test('status and spec have their own endpoints', () => {
    const old = create('Ingress', ingress({ defaultBackend: backend })).object
    const next = {
      ...ingress({ ...withPath({}), ingressClassName: 'x' }),
      status: { loadBalancer: { ingress: [{ ip: 'x' }] } },
    }
    const spec = update(old, next, { kind: 'Ingress' })
    expect(spec.object).toMatchObject({ metadata: { generation: 2 }, status: { loadBalancer: {} } })
    const status = update(old, next, { kind: 'Ingress', subresource: 'status' })
    expect(status.object.spec).toEqual(old.spec)
    expect(status.errors).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ])
  })

  test('kubectl get ingresses', () => {
    const rules = ['a', 'b', 'c', 'd', 'e'].map((host) => ({ host }))
    const ip = { loadBalancer: { ingress: [{ ip: '10.0.0.2' }, { hostname: 'lb.example.com' }] } }
    const object = { ...ingress({ rules, tls: [{}], ingressClassName: 'nginx' }), status: ip }
    expect(Object.values(row('Ingress', object, now))).toEqual([
      'web',
      'nginx',
      'a,b,c + 2 more...',
      '10.0.0.2,lb.example.com',
      '80, 443',
      '5m5s',
    ])
    const plain = ingress({ defaultBackend: backend })
    expect(Object.values(row('Ingress', plain, now))).toEqual(['web', '<none>', '*', '', '80', '5m5s'])
  })
})

describe('IngressClass', () => {
  const ingressClass = (spec: IngressClassSpec): IngressClass => ({ metadata: { name: 'nginx' }, spec })
  const controller = 'k8s.io/ingress-nginx'
  const parameters = { kind: 'Params', name: 'p', apiGroup: 'example.com' }

  test('has parameters of the cluster by default', () => {
    const { object, errors } = create('IngressClass', ingressClass({ controller, parameters }))
    expect(errors).toEqual([])
    expect(object.spec?.parameters?.scope).toBe('Cluster')
    expect(row('IngressClass', object, now)).toMatchObject({
      Controller: controller,
      Parameters: 'Params.example.com/p',
    })
  })

  test.each<[string, IngressClassSpec, string[]]>([
    ['no controller', {}, ['spec.controller: Required value']],
    [
      'a controller without a path',
      { controller: 'nginx' },
      ['spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      'a long controller',
      { controller: `a.b/${'c'.repeat(250)}` },
      ['spec.controller: Too long: may not be more than 250 bytes'],
    ],
    [
      'a path of other characters',
      { controller: 'a.b/c d' },
      [
        "spec.controller: Invalid value: \"c d\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
      ],
    ],
    [
      'an unknown scope',
      { controller, parameters: { ...parameters, scope: 'Node' } },
      ['spec.parameters.scope: Unsupported value: "Node": supported values: "Cluster", "Namespace"'],
    ],
    [
      'a namespace nobody named',
      { controller, parameters: { ...parameters, scope: 'Namespace' } },
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
    [
      'a namespace of the cluster',
      { controller, parameters: { ...parameters, namespace: 'a' } },
      ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ],
  ])('is refused for %s', (_name, spec, expected) => {
    expect(create('IngressClass', ingressClass(spec)).errors).toEqual(expected)
  })

  test('keeps its controller', () => {
    const old = create('IngressClass', ingressClass({ controller })).object
    expect(update(old, ingressClass({ controller: 'a.b/c' }), { kind: 'IngressClass' }).errors).toEqual([
      'spec.controller: Invalid value: "a.b/c": field is immutable',
    ])
  })
})

describe('NetworkPolicy', () => {
  const policy = (spec: NetworkPolicySpec): NetworkPolicy => ({ metadata, spec })

  test('is about what comes in, and about what goes out when it says so', () => {
    const types = (spec: NetworkPolicySpec) => create('NetworkPolicy', policy(spec)).object.spec
    expect(types({})).toEqual({ podSelector: {}, policyTypes: ['Ingress'] })
    expect(types({ egress: [{ ports: [{ port: 53 }] }] })).toEqual({
      podSelector: {},
      egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
      policyTypes: ['Ingress', 'Egress'],
    })
  })

  const from = (ipBlock: { cidr: string; except?: string[] }) => ({ ingress: [{ from: [{ ipBlock }] }] })
  const block = 'spec.ingress[0].from[0].ipBlock'
  test.each<[string, NetworkPolicySpec, string[]]>([
    [
      'a peer that says nothing',
      { ingress: [{ from: [{}] }] },
      ['spec.ingress[0].from[0]: Required value: must specify a peer'],
    ],
    [
      'a block and a selector',
      { egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] }] },
      ['spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer'],
    ],
    ['an empty block', from({ cidr: '' }), [`${block}.cidr: Required value`]],
    [
      'an exception outside',
      from({ cidr: '10.0.0.0/8', except: ['11.0.0.0/16', '10.0.0.0/8'] }),
      [
        `${block}.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of \`cidr\``,
        `${block}.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of \`cidr\``,
      ],
    ],
    [
      'an unknown protocol',
      { ingress: [{ ports: [{ protocol: 'ICMP' }] }] },
      ['spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      'a range that ends before it begins',
      { ingress: [{ ports: [{ port: 80, endPort: 79 }] }] },
      ['spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`'],
    ],
    [
      'a range from a name',
      { ingress: [{ ports: [{ port: 'http', endPort: 80 }] }] },
      ['spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric'],
    ],
    [
      'a range from nowhere',
      { ingress: [{ ports: [{ endPort: 80 }] }] },
      ['spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified'],
    ],
    [
      'an unknown type',
      { policyTypes: ['Both'] },
      ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Egress", "Ingress"'],
    ],
  ])('is refused for %s', (_name, spec, expected) => {
    expect(create('NetworkPolicy', policy(spec)).errors).toEqual(expected)
  })

  test('kubectl get networkpolicies', () => {
    const object = policy({ podSelector: { matchLabels: { app: 'web' } } })
    expect(Object.values(row('NetworkPolicy', object, now))).toEqual(['web', 'app=web', '5m5s'])
  })
})
