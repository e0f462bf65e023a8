import { describe, expect, test } from 'vitest'
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Service } from '../../api/generated/v1.ts'
import { type ResourceRecord, rcodeName, recordTypes, typeName } from '../wire/index.ts'
import { answerFromZone, Cluster, type ZoneOptions } from './index.ts'
import { addressOfReverse, dashed, undashed } from './names.ts'

const serial = 1_795_229_159

const options: ZoneOptions = {
  zones: ['cluster.local.', 'in-addr.arpa.', 'ip6.arpa.'],
  ttl: 30,
  fallthrough: ['in-addr.arpa.', 'ip6.arpa.'],
  localAddresses: ['10.244.0.3'],
  pods: 'insecure',
  namespaces: [],
  ignoreEmptyService: false,
}

function service(name: string, spec: Service['spec'], namespace = 'demo'): Service {
  return { metadata: { name, namespace }, spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec } }
}

function slice(
  name: string,
  endpoints: EndpointSlice['endpoints'],
  ports?: EndpointSlice['ports'],
  namespace = 'demo',
): EndpointSlice {
  return {
    addressType: 'IPv4',
    metadata: { name: `${name}-x`, namespace, labels: { 'kubernetes.io/service-name': name } },
    endpoints: endpoints ?? [],
    ports: ports ?? [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }
}

/** The cluster of the recording. */
function recorded(): Cluster {
  const cluster = new Cluster({ now: () => serial * 1000 })
  for (const name of ['default', 'demo', 'kube-system'])
    cluster.applyNamespace({ type: 'added', object: { metadata: { name } } })
  const services = [
    service('web', { clusterIP: '10.96.100.1' }),
    service('web-np', { clusterIP: '10.96.100.2' }),
    service('web-local', { clusterIP: '10.96.100.3' }),
    service('web-lb', { clusterIP: '10.96.100.4' }),
    service('ext', { type: 'ExternalName', externalName: 'example.com' }),
    service('ext-in', { type: 'ExternalName', externalName: 'web.demo.svc.cluster.local' }),
    service('web-hl', { clusterIP: 'None' }),
    service('nopods', {
      clusterIP: '10.96.100.5',
      ports: [
        { name: 'www', port: 80, protocol: 'TCP' },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    }),
    service('kube-dns', { clusterIP: '10.96.0.10' }, 'kube-system'),
  ]
  for (const object of services) cluster.applyService({ type: 'added', object })
  const pods = (hostname?: string) => [
    { addresses: ['10.244.0.54'], conditions: { ready: true } },
    { addresses: ['10.244.0.55'], conditions: { ready: true }, ...(hostname && { hostname }) },
    { addresses: ['10.244.0.56'], conditions: { ready: false } },
  ]
  for (const name of ['web', 'web-np', 'web-local', 'web-lb'])
    cluster.applySlice({ type: 'added', object: slice(name, pods()) })
  cluster.applySlice({ type: 'added', object: slice('web-hl', pods('web-2')) })
  cluster.applySlice({ type: 'added', object: slice('nopods', [], []) })
  cluster.applySlice({
    type: 'added',
    object: slice('kube-dns', [{ addresses: ['10.244.0.3'] }], undefined, 'kube-system'),
  })
  return cluster
}

function show({ name, ttl, type, data }: ResourceRecord): string {
  const text = () => {
    switch (data.type) {
      case 'address':
        return data.address
      case 'name':
        return data.target
      case 'srv':
        return `${data.priority} ${data.weight} ${data.port} ${data.target}`
      case 'soa':
        return `${data.mname} ${data.rname} ${data.serial} ${data.refresh} ${data.retry} ${data.expire} ${data.minimum}`
      case 'txt':
        return data.strings.map((each) => JSON.stringify(each)).join(' ')
      default:
        return data.type
    }
  }
  return `${name} ${ttl} IN ${typeName(type)} ${text()}`
}

function dig(question: string, cluster = recorded(), custom: Partial<ZoneOptions> = {}): string[] {
  const [name = '', type = ''] = question.split(' ')
  const code = recordTypes[type as keyof typeof recordTypes]
  const answer = answerFromZone(cluster, { ...options, ...custom }, { name: `${name}.`, type: code, class: 1 })
  if (answer.type !== 'answer') return [answer.type]
  return [
    rcodeName(answer.rcode),
    ...answer.answers.map((r) => `ans  ${show(r)}`),
    ...answer.authorities.map((r) => `auth ${show(r)}`),
    ...answer.additionals.map((r) => `add  ${show(r)}`),
    ...(answer.continueAt ? [`then ${answer.continueAt}`] : []),
  ]
}

const soa = `auth cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. ${serial} 7200 1800 86400 30`

/** The recorded dig table. */
const table: Record<string, string[]> = {
  'web.demo.svc.cluster.local A': ['NOERROR', 'ans  web.demo.svc.cluster.local. 30 IN A 10.96.100.1'],
  'web.demo.svc.cluster.local AAAA': ['NOERROR', soa],
  'web-hl.demo.svc.cluster.local A': [
    'NOERROR',
    'ans  web-hl.demo.svc.cluster.local. 30 IN A 10.244.0.54',
    'ans  web-hl.demo.svc.cluster.local. 30 IN A 10.244.0.55',
  ],
  'web-2.web-hl.demo.svc.cluster.local A': ['NOERROR', 'ans  web-2.web-hl.demo.svc.cluster.local. 30 IN A 10.244.0.55'],
  '10-244-0-54.web-hl.demo.svc.cluster.local A': [
    'NOERROR',
    'ans  10-244-0-54.web-hl.demo.svc.cluster.local. 30 IN A 10.244.0.54',
  ],
  '_http._tcp.web.demo.svc.cluster.local SRV': [
    'NOERROR',
    'ans  _http._tcp.web.demo.svc.cluster.local. 30 IN SRV 0 100 80 web.demo.svc.cluster.local.',
    'add  web.demo.svc.cluster.local. 30 IN A 10.96.100.1',
  ],
  '_http._tcp.web-hl.demo.svc.cluster.local SRV': [
    'NOERROR',
    'ans  _http._tcp.web-hl.demo.svc.cluster.local. 30 IN SRV 0 50 8080 10-244-0-54.web-hl.demo.svc.cluster.local.',
    'ans  _http._tcp.web-hl.demo.svc.cluster.local. 30 IN SRV 0 50 8080 web-2.web-hl.demo.svc.cluster.local.',
    'add  10-244-0-54.web-hl.demo.svc.cluster.local. 30 IN A 10.244.0.54',
    'add  web-2.web-hl.demo.svc.cluster.local. 30 IN A 10.244.0.55',
  ],
  'web.demo.svc.cluster.local SRV': [
    'NOERROR',
    'ans  web.demo.svc.cluster.local. 30 IN SRV 0 100 80 web.demo.svc.cluster.local.',
    'add  web.demo.svc.cluster.local. 30 IN A 10.96.100.1',
  ],
  '_dns._udp.nopods.demo.svc.cluster.local SRV': [
    'NOERROR',
    'ans  _dns._udp.nopods.demo.svc.cluster.local. 30 IN SRV 0 100 53 nopods.demo.svc.cluster.local.',
    'add  nopods.demo.svc.cluster.local. 30 IN A 10.96.100.5',
  ],
  '1.100.96.10.in-addr.arpa PTR': ['NOERROR', 'ans  1.100.96.10.in-addr.arpa. 30 IN PTR web.demo.svc.cluster.local.'],
  '54.0.244.10.in-addr.arpa PTR': [
    'NOERROR',
    ...['web', 'web-np', 'web-local', 'web-lb', 'web-hl'].map(
      (name) => `ans  54.0.244.10.in-addr.arpa. 30 IN PTR 10-244-0-54.${name}.demo.svc.cluster.local.`,
    ),
  ],
  '55.0.244.10.in-addr.arpa PTR': [
    'NOERROR',
    ...['web', 'web-np', 'web-local', 'web-lb'].map(
      (name) => `ans  55.0.244.10.in-addr.arpa. 30 IN PTR 10-244-0-55.${name}.demo.svc.cluster.local.`,
    ),
    'ans  55.0.244.10.in-addr.arpa. 30 IN PTR web-2.web-hl.demo.svc.cluster.local.',
  ],
  '250.0.244.10.in-addr.arpa PTR': ['next'],
  '10-244-0-54.demo.pod.cluster.local A': ['NOERROR', 'ans  10-244-0-54.demo.pod.cluster.local. 30 IN A 10.244.0.54'],
  '1-2-3-4.demo.pod.cluster.local A': ['NOERROR', 'ans  1-2-3-4.demo.pod.cluster.local. 30 IN A 1.2.3.4'],
  '1-2-3-4.nons.pod.cluster.local A': ['NXDOMAIN', soa],
  'ext.demo.svc.cluster.local A': [
    'NOERROR',
    'ans  ext.demo.svc.cluster.local. 30 IN CNAME example.com.',
    'then example.com.',
  ],
  'ext.demo.svc.cluster.local CNAME': ['NOERROR', 'ans  ext.demo.svc.cluster.local. 30 IN CNAME example.com.'],
  'ext-in.demo.svc.cluster.local A': [
    'NOERROR',
    'ans  ext-in.demo.svc.cluster.local. 30 IN CNAME web.demo.svc.cluster.local.',
    'ans  web.demo.svc.cluster.local. 30 IN A 10.96.100.1',
  ],
  'nope.demo.svc.cluster.local A': ['NXDOMAIN', soa],
  'nope.nons.svc.cluster.local A': ['NXDOMAIN', soa],
  'nopods.demo.svc.cluster.local A': ['NOERROR', 'ans  nopods.demo.svc.cluster.local. 30 IN A 10.96.100.5'],
  'demo.svc.cluster.local A': ['NOERROR', soa],
  'svc.cluster.local A': ['NOERROR', soa],
  'cluster.local A': ['NOERROR', soa],
  'cluster.local SOA': ['NOERROR', soa.replace('auth', 'ans ')],
  'cluster.local NS': [
    'NOERROR',
    'ans  cluster.local. 30 IN NS kube-dns.kube-system.svc.cluster.local.',
    'add  kube-dns.kube-system.svc.cluster.local. 30 IN A 10.96.0.10',
  ],
  'dns-version.cluster.local TXT': ['NOERROR', 'ans  dns-version.cluster.local. 30 IN TXT "1.1.0"'],
  'example.com A': ['next'],
  // The client's own spelling comes back, so that a resolver that checks it (0x20) is content.
  'WEB.demo.svc.cluster.local A': ['NOERROR', 'ans  WEB.demo.svc.cluster.local. 30 IN A 10.96.100.1'],
  'web.demo.svc.cluster.local MX': ['NOERROR', soa],
  'web.demo.svc.cluster.local ANY': ['NOERROR', soa],
  '*.demo.svc.cluster.local A': ['NXDOMAIN', soa],
}

describe('the recorded answers', () => {
  test.each(Object.entries(table))('%s', (question, expected) => expect(dig(question)).toEqual(expected))
})

describe('beyond the recording', () => {
  const more: Record<string, string[]> = {
    'web.demo.svc.cluster.local TXT': ['NOERROR', soa],
    'nope.demo.svc.cluster.local TXT': ['NXDOMAIN', soa],
    'web.demo.svc.cluster.local PTR': ['NOERROR', soa],
    'web.demo.svc.cluster.local NS': ['NOERROR', soa],
    'ext.demo.svc.cluster.local SRV': ['NOERROR', soa],
    'cluster.local AXFR': ['refused'],
    'other.cluster.local A': ['NXDOMAIN', soa],
    'a.b.c.web.demo.svc.cluster.local A': ['NXDOMAIN', soa],
    '10-244-0-54.web.demo.svc.cluster.local A': [
      'NOERROR',
      'ans  10-244-0-54.web.demo.svc.cluster.local. 30 IN A 10.244.0.54',
    ],
    '10-244-0-56.web-hl.demo.svc.cluster.local A': ['NXDOMAIN', soa],
    '_http._udp.web.demo.svc.cluster.local SRV': ['NXDOMAIN', soa],
    'demo.pod.cluster.local A': ['NOERROR', soa],
    'nonsense.demo.pod.cluster.local A': ['NXDOMAIN', soa],
    'fd00--1.demo.pod.cluster.local AAAA': ['NOERROR', 'ans  fd00--1.demo.pod.cluster.local. 30 IN AAAA fd00::1'],
    'ns.dns.cluster.local A': ['NOERROR', 'ans  ns.dns.cluster.local. 30 IN A 10.96.0.10'],
    '0.244.10.in-addr.arpa PTR': ['next'],
    '1.100.96.10.in-addr.arpa A': ['next'],
    'notcluster.local A': ['next'],
  }
  test.each(Object.entries(more))('%s', (question, expected) => expect(dig(question)).toEqual(expected))

  test('a Service with ports of two families and numbers', () => {
    const cluster = recorded()
    const ports = [
      { name: 'a', port: 1, protocol: 'TCP' },
      { name: 'b', port: 2, protocol: 'TCP' },
    ]
    cluster.applyService({ type: 'added', object: service('dual', { clusterIPs: ['10.96.0.9', 'fd00::9'], ports }) })
    expect(dig('dual.demo.svc.cluster.local AAAA', cluster).slice(1)).toEqual([
      'ans  dual.demo.svc.cluster.local. 30 IN AAAA fd00::9',
    ])
    expect(dig('dual.demo.svc.cluster.local SRV', cluster).slice(1)).toEqual([
      'ans  dual.demo.svc.cluster.local. 30 IN SRV 0 25 1 dual.demo.svc.cluster.local.',
      'ans  dual.demo.svc.cluster.local. 30 IN SRV 0 25 2 dual.demo.svc.cluster.local.',
      'add  dual.demo.svc.cluster.local. 30 IN A 10.96.0.9',
      'add  dual.demo.svc.cluster.local. 30 IN AAAA fd00::9',
    ])
  })

  test('each change of type takes effect at once, in both directions of the name', () => {
    const cluster = recorded()
    const become = (spec: Service['spec']) => {
      cluster.applyService({ type: 'updated', object: service('web', spec) })
      const answers = [...dig('web.demo.svc.cluster.local A', cluster), ...dig('1.100.96.10.in-addr.arpa PTR', cluster)]
      return answers.filter((line) => !line.startsWith('auth')).map((line) => line.replace(/.* IN /, ''))
    }
    const reverse = ['NOERROR', 'PTR web.demo.svc.cluster.local.']
    expect(become({ type: 'ExternalName', externalName: 'a.example' })).toEqual([
      'NOERROR',
      'CNAME a.example.',
      'then a.example.',
      'next',
    ])
    expect(become({ type: 'ExternalName', externalName: 'b.example' })[1]).toBe('CNAME b.example.')
    expect(become({ clusterIP: 'None', clusterIPs: ['None'] })).toEqual([
      'NOERROR',
      'A 10.244.0.54',
      'A 10.244.0.55',
      'next',
    ])
    expect(become({ type: 'NodePort', clusterIP: '10.96.100.1' })).toEqual(['NOERROR', 'A 10.96.100.1', ...reverse])
    cluster.applyService({ type: 'deleted', object: service('web', {}) })
    expect(dig('web.demo.svc.cluster.local A', cluster)[0]).toBe('NXDOMAIN')
  })

  test('pods of a headless Service of two families have names both ways', () => {
    const cluster = recorded()
    const endpoint = (address: string) => [{ addresses: [address], conditions: { ready: true }, hostname: 'db-0' }]
    cluster.applyService({ type: 'added', object: service('db', { clusterIP: 'None' }) })
    for (const [name, address] of Object.entries({ four: '10.244.0.60', six: 'fd00:10::60' })) {
      const part = slice('db', endpoint(address))
      cluster.applySlice({ type: 'added', object: { ...part, metadata: { ...part.metadata, name } } })
    }
    const name = 'db-0.db.demo.svc.cluster.local'
    expect(dig(`${name} A`, cluster)).toEqual(['NOERROR', `ans  ${name}. 30 IN A 10.244.0.60`])
    expect(dig(`${name} AAAA`, cluster)).toEqual(['NOERROR', `ans  ${name}. 30 IN AAAA fd00:10::60`])
    const arpa = `0.6.0.0.${'0.'.repeat(20)}0.1.0.0.0.0.d.f.ip6.arpa`
    expect(dig(`${arpa} PTR`, cluster)).toEqual(['NOERROR', `ans  ${arpa}. 30 IN PTR ${name}.`])
  })

  test('aliases that go round end', () => {
    const cluster = recorded()
    const loop = (name: string, to: string) =>
      cluster.applyService({
        type: 'added',
        object: service(name, { type: 'ExternalName', externalName: `${to}.demo.svc.cluster.local` }),
      })
    loop('a', 'b')
    loop('b', 'a')
    loop('c', 'nope')
    expect(dig('a.demo.svc.cluster.local A', cluster)).toEqual(['NOERROR', soa])
    expect(dig('c.demo.svc.cluster.local A', cluster)).toEqual(['NOERROR', soa])
  })

  test('pods verified, disabled; namespaces limited; empty services ignored', () => {
    const cluster = recorded()
    const pod = {
      metadata: { name: 'p', namespace: 'demo' },
      spec: { containers: [] },
      status: { podIP: '10.244.0.54' },
    }
    cluster.applyPod({ type: 'added', object: pod })
    const verified = { pods: 'verified' as const }
    expect(dig('10-244-0-54.demo.pod.cluster.local A', cluster, verified)[0]).toBe('NOERROR')
    expect(dig('10-244-0-55.demo.pod.cluster.local A', cluster, verified)[0]).toBe('NXDOMAIN')
    expect(dig('10-244-0-54.demo.pod.cluster.local A', cluster, { pods: 'disabled' })[0]).toBe('NXDOMAIN')
    expect(dig('web.demo.svc.cluster.local A', cluster, { namespaces: ['default'] })[0]).toBe('NXDOMAIN')
    expect(dig('1.100.96.10.in-addr.arpa PTR', cluster, { namespaces: ['default'] })[0]).toBe('next')
    expect(dig('nopods.demo.svc.cluster.local A', cluster, { ignoreEmptyService: true })[0]).toBe('NXDOMAIN')
    cluster.applyPod({ type: 'deleted', object: pod })
    expect(dig('10-244-0-54.demo.pod.cluster.local A', cluster, verified)[0]).toBe('NXDOMAIN')
  })
})

describe('events', () => {
  test('every object can come, change and go', () => {
    const cluster = recorded()
    const a = () => dig('web-hl.demo.svc.cluster.local A', cluster).slice(1)
    cluster.applySlice({ type: 'updated', object: slice('web-hl', [{ addresses: ['10.244.0.99'] }]) })
    expect(a()).toEqual(['ans  web-hl.demo.svc.cluster.local. 30 IN A 10.244.0.99'])
    expect(dig('99.0.244.10.in-addr.arpa PTR', cluster)[1]).toContain('10-244-0-99.web-hl.demo')
    cluster.applySlice({ type: 'deleted', object: slice('web-hl', []) })
    expect([dig('web-hl.demo.svc.cluster.local A', cluster)[0], dig('99.0.244.10.in-addr.arpa PTR', cluster)]).toEqual([
      'NXDOMAIN',
      ['next'],
    ])
    cluster.applyService({ type: 'updated', object: service('web', { clusterIP: '10.96.100.77' }) })
    expect(dig('web.demo.svc.cluster.local A', cluster)[1]).toContain('10.96.100.77')
    expect(dig('1.100.96.10.in-addr.arpa PTR', cluster)).toEqual(['next'])
    cluster.applyService({
      type: 'updated',
      object: service('web', { type: 'ExternalName', externalName: 'example.com' }),
    })
    expect(dig('web.demo.svc.cluster.local A', cluster)[1]).toContain('CNAME example.com.')
    cluster.applyService({ type: 'deleted', object: service('web', {}) })
    expect(dig('web.demo.svc.cluster.local A', cluster)[0]).toBe('NXDOMAIN')
    cluster.applyNamespace({ type: 'deleted', object: { metadata: { name: 'demo' } } })
    expect(dig('ext.demo.svc.cluster.local A', cluster)[0]).toBe('NXDOMAIN')
  })
})

test('addresses in names', () => {
  expect(addressOfReverse('1.100.96.10.in-addr.arpa.')).toBe('10.96.100.1')
  expect(addressOfReverse('300.0.0.10.in-addr.arpa.')).toBeUndefined()
  expect(addressOfReverse(`1.${'0.'.repeat(27)}0.0.d.f.ip6.arpa.`)).toBe('fd00::1')
  expect([dashed('10.244.0.54'), dashed('fd00::')]).toEqual(['10-244-0-54', 'fd00--0'])
  expect([undashed('10-244-0-54'), undashed('fd00--1'), undashed('a-b-c-d')]).toEqual([
    '10.244.0.54',
    'fd00::1',
    undefined,
  ])
})
