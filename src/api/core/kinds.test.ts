import { describe, expect, test } from 'vitest'
import { create, definitionOf, row, update } from '../common/testing.ts'
import type { Lease } from '../generated/coordination.k8s.io.v1.ts'
import type { EndpointSlice } from '../generated/discovery.k8s.io.v1.ts'
import type { ConfigMap, Endpoints, Event, Namespace, Node, Secret, ServiceAccount } from '../generated/v1.ts'
import { definitions } from '../index.ts'
import { apiVersionOf } from '../resource.ts'

const now = new Date('2026-11-21T00:05:06Z')
const creationTimestamp = '2026-11-21T00:00:00Z'
const base64 = (text: string) => Buffer.from(text).toString('base64')

test('every kind is declared once', () => {
  const kinds = new Set(definitions.map((definition) => `${apiVersionOf(definition)} ${definition.kind}`))
  expect(definitions).toHaveLength(kinds.size)
})

test('columns are in kubectl’s order', () => {
  const headers = Object.fromEntries(
    definitions.map(({ kind, columns }) => [kind, columns.map((c) => (c.priority ? `(${c.name})` : c.name)).join(' ')]),
  )
  expect(headers).toMatchObject({
    Namespace: 'Name Status Age',
    Node: 'Name Status Roles Age Version (Internal-IP) (External-IP) (OS-Image) (Kernel-Version) (Container-Runtime)',
    Pod: 'Name Ready Status Restarts Age (IP) (Node) (Nominated Node) (Readiness Gates)',
    Service: 'Name Type Cluster-IP External-IP Port(s) Age (Selector)',
    Endpoints: 'Name Endpoints Age',
    ConfigMap: 'Name Data Age',
    Secret: 'Name Type Data Age',
    ServiceAccount: 'Name Secrets Age',
    Event: 'Last Seen Type Reason Object (Subobject) (Source) Message (First Seen) (Count) (Name)',
    Deployment: 'Name Ready Up-to-date Available Age (Containers) (Images) (Selector)',
    ReplicaSet: 'Name Desired Current Ready Age (Containers) (Images) (Selector)',
    DaemonSet: 'Name Desired Current Ready Up-to-date Available Node Selector Age (Containers) (Images) (Selector)',
    StatefulSet: 'Name Ready Age (Containers) (Images)',
    ControllerRevision: 'Name Controller Revision Age',
    ReplicationController: 'Name Desired Current Ready Age (Containers) (Images) (Selector)',
    Lease: 'Name Holder Age',
    EndpointSlice: 'Name AddressType Ports Endpoints Age',
    IPAddress: 'Name ParentRef',
    ServiceCIDR: 'Name CIDRs Age',
    Ingress: 'Name Class Hosts Address Ports Age',
    IngressClass: 'Name Controller Parameters Age',
    NetworkPolicy: 'Name Pod-Selector Age',
    Job: 'Name Status Completions Duration Age (Containers) (Images) (Selector)',
    CronJob: 'Name Schedule Timezone Suspend Active Last Schedule Age (Containers) (Images) (Selector)',
  })
})

describe('Namespace', () => {
  const fresh = () => create<Namespace>('Namespace', { metadata: { name: 'demo', creationTimestamp } })

  test('is active, labelled with its name, and held by its contents', () => {
    const { object, errors } = fresh()
    expect(errors).toEqual([])
    expect(object).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'demo' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
    expect(Object.values(row('Namespace', object, now))).toEqual(['demo', 'Active', '5m6s'])
  })

  test('is terminating only when it is deleted', () => {
    const { object } = fresh()
    const next = { ...object, status: { phase: 'Terminating' } }
    const errors = (metadata: Namespace['metadata']) =>
      update(object, { ...next, metadata }, { kind: 'Namespace', subresource: 'status' }).errors
    expect(errors(object.metadata)).toEqual([
      'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
    ])
    expect(errors({ ...object.metadata, deletionTimestamp: creationTimestamp })).toEqual([])
  })

  test('refuses finalizers of unknown owners', () => {
    expect(create<Namespace>('Namespace', { metadata: { name: 'a' }, spec: { finalizers: ['mine'] } }).errors).toEqual([
      'spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ])
  })
})

describe('Node', () => {
  const node: Node = {
    metadata: {
      name: 'node-1',
      creationTimestamp,
      labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' },
    },
    spec: { podCIDR: '10.244.0.0/24', unschedulable: true },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [
        { type: 'InternalIP', address: '172.30.0.11' },
        { type: 'Hostname', address: 'node-1' },
      ],
      nodeInfo: {
        architecture: 'amd64',
        bootID: '',
        containerRuntimeVersion: 'fairway://0.1.0',
        kernelVersion: '6.1.0',
        kubeProxyVersion: '',
        kubeletVersion: 'v1.36.0',
        machineID: '',
        operatingSystem: 'linux',
        osImage: 'Debian GNU/Linux 12',
        systemUUID: '',
      },
    },
  }

  test('kubectl get nodes -o wide', () => {
    expect(Object.values(row('Node', node, now))).toEqual([
      'node-1',
      'Ready,SchedulingDisabled',
      'control-plane,worker',
      '5m6s',
      'v1.36.0',
      '172.30.0.11',
      '<none>',
      'Debian GNU/Linux 12',
      '6.1.0',
      'fairway://0.1.0',
    ])
    const silent: Node = { metadata: { name: 'node-2', creationTimestamp } }
    expect(Object.values(row('Node', silent, now))).toEqual([
      'node-2',
      'Unknown',
      '<none>',
      '5m6s',
      '',
      '<none>',
      '<none>',
      '<unknown>',
      '<unknown>',
      '<unknown>',
    ])
  })

  test('keeps its pod range', () => {
    const { object: old, errors } = create('Node', node)
    expect(errors).toEqual([])
    expect(old.spec?.podCIDRs).toEqual(['10.244.0.0/24'])
    expect(update(old, { ...node, spec: { podCIDR: '10.244.1.0/24' } }, { kind: 'Node' }).errors).toEqual([
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ])
  })

  test('refuses bad taints and ranges', () => {
    const spec = { podCIDRs: ['10.0.0.0'], taints: [{ key: 'a', effect: 'Sometimes' }] }
    expect(create<Node>('Node', { metadata: { name: 'a' }, spec }).errors).toEqual([
      'metadata.taints[0].effect: Unsupported value: "Sometimes": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
      'spec.podCIDRs[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ])
  })
})

describe('ConfigMap and Secret', () => {
  const keyMessage =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

  test('refuse bad keys', () => {
    expect(create<ConfigMap>('ConfigMap', { metadata: { name: 'a' }, data: { 'a b': '' } }).errors).toEqual([
      `data[a b]: Invalid value: "a b": ${keyMessage}`,
    ])
    expect(
      create<ConfigMap>('ConfigMap', { metadata: { name: 'a' }, data: { a: '' }, binaryData: { a: '' } }).errors,
    ).toEqual(['data[a]: Invalid value: "a": duplicate of key present in binaryData'])
  })

  test('refuse more than a mebibyte', () => {
    const big = 'x'.repeat(1024 * 1024)
    expect(create<ConfigMap>('ConfigMap', { metadata: { name: 'a' }, data: { a: big } }).errors).toEqual([])
    expect(create<ConfigMap>('ConfigMap', { metadata: { name: 'a' }, data: { a: big, b: 'x' } }).errors[0]).toMatch(
      /Too long: may not be more than 1048576 bytes/,
    )
    expect(create<Secret>('Secret', { metadata: { name: 'a' }, data: { a: base64(`${big}x`) } }).errors).toEqual([
      'data: Too long: may not be more than 1048576 bytes',
    ])
  })

  test('do not change once immutable', () => {
    const old: ConfigMap = { metadata: { name: 'a' }, immutable: true, data: { a: '1' } }
    expect(update(old, { metadata: { name: 'a' }, data: { a: '2' } }, { kind: 'ConfigMap' }).errors).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ])
  })

  test('stringData goes into data', () => {
    const { object } = create<Secret>('Secret', { metadata: { name: 'a' }, stringData: { user: 'Zoë' } })
    expect(object).toEqual({ metadata: { name: 'a' }, type: 'Opaque', data: { user: base64('Zoë') } })
  })

  test.each<[string, Secret, string[]]>([
    [
      'tls',
      { metadata: { name: 'a' }, type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
      ['data[tls.key]: Required value'],
    ],
    [
      'dockerconfigjson',
      { metadata: { name: 'a' }, type: 'kubernetes.io/dockerconfigjson', data: {} },
      ['data[.dockerconfigjson]: Required value'],
    ],
    [
      'basic-auth',
      { metadata: { name: 'a' }, type: 'kubernetes.io/basic-auth' },
      ['data[username]: Required value', 'data[password]: Required value'],
    ],
    [
      'service-account-token',
      { metadata: { name: 'a' }, type: 'kubernetes.io/service-account-token' },
      ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ],
  ])('a Secret of type %s has its keys', (_type, secret, expected) => {
    expect(create('Secret', secret).errors).toEqual(expected)
  })

  test('the type of a Secret stays', () => {
    const old: Secret = { metadata: { name: 'a' }, type: 'Opaque' }
    expect(update(old, { ...old, type: 'example.org/x' }, { kind: 'Secret' }).errors).toEqual([
      'type: Invalid value: "example.org/x": field is immutable',
    ])
  })

  test('a ServiceAccount keeps the names of its Secrets', () => {
    const account: ServiceAccount = { metadata: { name: 'a' }, secrets: [{ name: 'b', uid: '1' }] }
    expect(create('ServiceAccount', account).object.secrets).toEqual([{ name: 'b' }])
  })

  test('kubectl get configmaps, secrets and serviceaccounts', () => {
    const metadata = { name: 'a', creationTimestamp }
    expect(
      Object.values(row('ConfigMap', { metadata, data: { a: '', b: '' }, binaryData: { c: '' } } as ConfigMap, now)),
    ).toEqual(['a', 3, '5m6s'])
    expect(Object.values(row('Secret', { metadata, type: 'Opaque', data: { a: '' } } as Secret, now))).toEqual([
      'a',
      'Opaque',
      1,
      '5m6s',
    ])
    expect(Object.values(row('ServiceAccount', { metadata }, now))).toEqual(['a', 0, '5m6s'])
  })
})

describe('Endpoints', () => {
  const endpoints = (subsets: Endpoints['subsets']): Endpoints => ({
    metadata: { name: 'web', creationTimestamp },
    ...(subsets && { subsets }),
  })
  const two = [{ ip: '10.244.0.54' }, { ip: '10.244.0.55' }]

  test.each<[string, Endpoints['subsets'], string]>([
    ['none', undefined, '<none>'],
    ['two', [{ addresses: two, ports: [{ name: 'http', port: 8080 }] }], '10.244.0.54:8080,10.244.0.55:8080'],
    [
      'four',
      [
        {
          addresses: two,
          ports: [
            { name: 'http', port: 8080 },
            { name: 'https', port: 8080 },
          ],
        },
      ],
      '10.244.0.54:8080,10.244.0.55:8080,10.244.0.54:8080 + 1 more...',
    ],
    ['without ports', [{ addresses: two }], '10.244.0.54,10.244.0.55'],
    ['IPv6', [{ addresses: [{ ip: 'fd00::1' }], ports: [{ port: 80 }] }], '[fd00::1]:80'],
    ['none ready', [{ notReadyAddresses: two, ports: [{ port: 80 }] }], ''],
  ])('kubectl get endpoints with %s', (_name, subsets, expected) => {
    expect(row('Endpoints', endpoints(subsets), now)).toEqual({ Name: 'web', Endpoints: expected, Age: '5m6s' })
  })

  test.each<[string, Endpoints['subsets'], string[]]>([
    [
      'no addresses',
      [{ ports: [{ port: 80 }] }],
      ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
    ],
    [
      'loopback',
      [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: 80 }] }],
      [
        'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    ],
    [
      'two unnamed ports',
      [{ addresses: two, ports: [{ port: 80 }, { port: 81 }] }],
      ['subsets[0].ports[0].name: Required value', 'subsets[0].ports[1].name: Required value'],
    ],
    [
      'protocol HTTP',
      [{ addresses: two, ports: [{ port: 80, protocol: 'HTTP' }] }],
      ['subsets[0].ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      'port 0',
      [{ addresses: two, ports: [{ port: 0 }] }],
      ['subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ],
  ])('are refused for %s', (_name, subsets, expected) => {
    expect(create('Endpoints', endpoints(subsets)).errors).toEqual(expected)
  })

  test('are deprecated', () => {
    expect(definitionOf('Endpoints').deprecationWarning).toBe(
      'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
    )
  })
})

describe('EndpointSlice', () => {
  const slice = (change: Partial<EndpointSlice>): EndpointSlice => ({
    metadata: { name: 'web-nr7lp', creationTimestamp },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.0.54'] }, { addresses: ['10.244.0.55'] }],
    ports: [{ name: 'http', port: 8080 }],
    ...change,
  })
  const addresses = (count: number) => Array.from({ length: count }, (_, i) => ({ addresses: [`10.244.0.${i + 1}`] }))

  test.each<[string, Partial<EndpointSlice>, string[]]>([
    ['two endpoints', {}, ['8080', '10.244.0.54,10.244.0.55']],
    ['nothing', { endpoints: [], ports: [] }, ['<unset>', '<unset>']],
    [
      'two ports',
      {
        ports: [
          { name: 'a', port: 8080 },
          { name: 'b', port: 8080 },
        ],
      },
      ['8080,8080', '10.244.0.54,10.244.0.55'],
    ],
    [
      'many',
      { endpoints: addresses(7), ports: [{ name: 'a' }, {}] },
      ['a,*', '10.244.0.1,10.244.0.2,10.244.0.3 + 4 more...'],
    ],
  ])('kubectl get endpointslices with %s', (_name, change, expected) => {
    expect(Object.values(row('EndpointSlice', slice(change), now)).slice(2, 4)).toEqual(expected)
  })

  test('ports get a name and a protocol, and the object a generation', () => {
    const { object, errors } = create('EndpointSlice', slice({ ports: [{ port: 80 }] }))
    expect(errors).toEqual([])
    expect(object.ports).toEqual([{ name: '', port: 80, protocol: 'TCP' }])
    expect(object.metadata.generation).toBe(1)
    expect(update(object, slice({ ports: [{ port: 80 }] }), { kind: 'EndpointSlice' }).object.metadata.generation).toBe(
      1,
    )
    expect(update(object, slice({}), { kind: 'EndpointSlice' }).object.metadata.generation).toBe(2)
  })

  test.each<[string, Partial<EndpointSlice>, string[]]>([
    ['no address type', { addressType: '', endpoints: [] }, ['addressType: Required value']],
    [
      'unknown address type',
      { addressType: 'DNS', endpoints: [] },
      ['addressType: Unsupported value: "DNS": supported values: "FQDN", "IPv4", "IPv6"'],
    ],
    [
      'an address of the other family',
      { endpoints: [{ addresses: ['fd00::1'] }] },
      ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address'],
    ],
    [
      'an endpoint without address',
      { endpoints: [{ addresses: [] }] },
      ['endpoints[0].addresses: Required value: must contain at least 1 address'],
    ],
    [
      'two ports of one name',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      ['ports[1].name: Duplicate value: "a"'],
    ],
    ['too many endpoints', { endpoints: addresses(1001) }, ['endpoints: Too many: 1001: must have at most 1000 items']],
    [
      'a hostname with a dot',
      { endpoints: [{ addresses: ['10.0.0.1'], hostname: 'a.b' }] },
      ['endpoints[0].hostname: Invalid value: "a.b": must not contain dots'],
    ],
  ])('is refused for %s', (_name, change, expected) => {
    expect(create('EndpointSlice', slice(change)).errors).toEqual(expected)
  })

  test('keeps its address type', () => {
    const old = create('EndpointSlice', slice({ endpoints: [] })).object
    expect(update(old, slice({ endpoints: [], addressType: 'IPv6' }), { kind: 'EndpointSlice' }).errors).toEqual([
      'addressType: Invalid value: "IPv6": field is immutable',
    ])
  })
})

describe('Event', () => {
  const event: Event = {
    metadata: { name: 'web.1', namespace: 'demo' },
    involvedObject: { kind: 'Pod', name: 'web-1', namespace: 'demo', fieldPath: 'spec.containers{web}' },
    type: 'Normal',
    reason: 'Pulled',
    message: 'Container image already present\n',
    source: { component: 'kubelet', host: 'node-1' },
    firstTimestamp: creationTimestamp,
    lastTimestamp: '2026-11-21T00:05:00Z',
    count: 3,
  }

  test('kubectl get events -o wide', () => {
    expect(Object.values(row('Event', event, now))).toEqual([
      '6s',
      'Normal',
      'Pulled',
      'pod/web-1',
      'spec.containers{web}',
      'kubelet, node-1',
      'Container image already present',
      '5m6s',
      3,
      'web.1',
    ])
    const { firstTimestamp: _first, lastTimestamp: _last, count: _count, ...modern } = event
    const series = {
      ...modern,
      eventTime: '2026-11-21T00:00:06.000000Z',
      series: { count: 9, lastObservedTime: '2026-11-21T00:05:05.000000Z' },
    }
    expect(row('Event', series, now)).toMatchObject({ 'Last Seen': '1s', 'First Seen': '5m', Count: 9 })
  })

  test('is in the namespace of its object', () => {
    expect(create('Event', event).errors).toEqual([])
    const other = { ...event, metadata: { name: 'a', namespace: 'other' } }
    expect(create('Event', other).errors).toEqual([
      'involvedObject.namespace: Invalid value: "demo": does not match event.namespace',
    ])
    const cluster: Event = {
      ...event,
      metadata: { name: 'a', namespace: 'default' },
      involvedObject: { kind: 'Node', name: 'node-1' },
    }
    expect(create('Event', cluster).errors).toEqual([])
  })

  test('can be selected by its object', () => {
    expect(definitionOf('Event').selectableFields?.['involvedObject.name']?.(event)).toBe('web-1')
    expect(definitionOf('Event').selectableFields?.['source']?.(event)).toBe('kubelet')
  })
})

describe('Lease', () => {
  test('has a positive duration', () => {
    const lease = (leaseDurationSeconds: number): Lease => ({
      metadata: { name: 'node-1', creationTimestamp },
      spec: { leaseDurationSeconds, holderIdentity: 'node-1' },
    })
    expect(create('Lease', lease(40)).errors).toEqual([])
    expect(create('Lease', lease(0)).errors).toEqual([
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ])
    expect(Object.values(row('Lease', lease(40), now))).toEqual(['node-1', 'node-1', '5m6s'])
  })
})
