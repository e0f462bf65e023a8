import { describe, expect, test } from 'vitest'
import type { EndpointSlice } from '../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Pod, Service, ServiceSpec } from '../api/generated/v1.ts'
import type { ProgrammedService } from '../proxy/serve/programmed.ts'
import { nodeRules } from './service-status.ts'
import { countEndpoints, serviceWarnings } from './service-warnings.ts'

const service = (spec: ServiceSpec): Service => ({
  metadata: { namespace: 'demo', name: 'web', resourceVersion: '7' },
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.9', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], ...spec },
})
const pod = (
  name: string,
  labels: Record<string, string>,
  ports: { name?: string; containerPort: number }[] = [],
): Pod => ({
  metadata: { namespace: 'demo', name, labels },
  spec: { containers: [{ name: 'c', image: 'i', ports }] },
  status: { phase: 'Running' },
})
const slice = (...endpoints: { ip: string; ready?: boolean; node?: string }[]): EndpointSlice => ({
  metadata: { namespace: 'demo', name: 'web-1', resourceVersion: '9' },
  addressType: 'IPv4',
  ports: [{ name: '', port: 80, protocol: 'TCP' }],
  endpoints: endpoints.map(({ ip, ready = true, node }) => ({
    addresses: [ip],
    conditions: { ready },
    ...(node && { nodeName: node }),
  })),
})
const nodes: Node[] = ['node-1', 'node-2', 'node-3'].map((name) => ({ metadata: { name } }))
const selector = { app: 'web' }
const serving = [slice({ ip: '10.244.0.2', node: 'node-1' })]
const web = [pod('web-1', selector, [{ name: 'http', containerPort: 80 }])]

describe('a Service that is legal and of no use is warned of:', () => {
  const cases: [string, { spec: ServiceSpec; pods?: Pod[]; slices?: EndpointSlice[] }, string[]][] = [
    ['nothing, when all is well', { spec: { selector }, pods: web, slices: serving }, []],
    [
      'a selector that matches nothing',
      { spec: { selector: { app: 'wbe', env: 'prod' } }, pods: web },
      ['Its selector app=wbe,env=prod matches no pod in namespace demo.'],
    ],
    [
      'no selector and no endpoints',
      { spec: {} },
      ['It has no selector and no endpoints: an EndpointSlice labelled kubernetes.io/service-name=web gives it some.'],
    ],
    ['hand-made endpoints are fine', { spec: {}, slices: serving }, []],
    ['ExternalName needs none', { spec: { type: 'ExternalName', externalName: 'redis.example.org' } }, []],
    [
      'pods that are not ready',
      { spec: { selector }, pods: web, slices: [slice({ ip: '10.244.0.2', ready: false })] },
      ['Its only pod is not ready: see kubectl describe pod -n demo web-1.'],
    ],
    [
      'a target port name that no pod has',
      { spec: { selector, ports: [{ port: 80, targetPort: 'htpp' }] }, pods: web, slices: serving },
      ['TCP port 80 goes to the container port named "htpp", which no pod of it has.'],
    ],
    [
      'a target port name that some pods have not',
      {
        spec: { selector, ports: [{ name: 'a', port: 80, targetPort: 'http' }] },
        pods: [...web, pod('web-2', selector)],
        slices: serving,
      },
      ['TCP port 80 (a) goes to the container port named "http", which web-2 has not.'],
    ],
    [
      'a target port number that no container declares',
      { spec: { selector, ports: [{ port: 80, targetPort: 8080 }] }, pods: web, slices: serving },
      ['TCP port 80 goes to port 8080, which no container of its pods declares.'],
    ],
    [
      'pods that declare nothing may listen anywhere',
      { spec: { selector, ports: [{ port: 80, targetPort: 8080 }] }, pods: [pod('web-1', selector)], slices: serving },
      [],
    ],
    [
      'Local without a local pod',
      { spec: { selector, externalTrafficPolicy: 'Local', type: 'NodePort' }, pods: web, slices: serving },
      [
        'externalTrafficPolicy is Local: no ready pod of it is on node-2, node-3, where packets from outside are dropped.',
      ],
    ],
    [
      'internal Local without a local pod',
      { spec: { selector, internalTrafficPolicy: 'Local' }, pods: web, slices: serving },
      ['internalTrafficPolicy is Local: no ready pod of it is on node-2, node-3, where clients get no answer.'],
    ],
    [
      'a load balancer without an address',
      { spec: { selector, type: 'LoadBalancer' }, pods: web, slices: serving },
      ['It has no load-balancer address yet: nothing has given it one.'],
    ],
  ]
  test.each(cases)('%s', (_, { spec, pods = [], slices = [] }, warnings) => {
    expect(serviceWarnings({ service: service(spec), slices, pods, nodes })).toEqual(warnings)
  })
})

test('an endpoint that stands in two slices counts once', () => {
  const first = slice({ ip: '10.244.0.2', ready: false }, { ip: '10.244.0.3', ready: false })
  expect(countEndpoints([first, slice({ ip: '10.244.0.2' })])).toEqual({ ready: 1, notReady: 1 })
})

describe('rules on a node are', () => {
  const programmed = (resourceVersion: string, sliceVersion: string, pending = false): ProgrammedService => ({
    namespace: 'demo',
    name: 'web',
    pending,
    ports: [
      {
        name: '',
        ipFamily: 'IPv4',
        protocol: 'TCP',
        port: 80,
        resourceVersion,
        endpointSlices: { 'web-1': sliceVersion },
        programmedAt: '2026-01-01T00:00:00.000Z',
        latencyMs: 12.3,
        internal: 'cluster',
        external: 'drop',
        endpoints: 1,
      },
    ],
  })
  const rules = (seen: ProgrammedService) => nodeRules('node-1', seen, service({ selector }), serving)

  test('current when they are made from what is stored', () => {
    expect(rules(programmed('7', '9'))).toEqual({
      node: 'node-1',
      state: 'current',
      revisions: ['7', '9'],
      programmedAt: '2026-01-01T00:00:00.000Z',
      latencyMs: 12.3,
      ports: ['80/TCP → 1 (cluster, from outside drop)'],
    })
  })

  test.each([
    ['the Service', programmed('6', '9')],
    ['a slice', programmed('7', '8')],
    ['something they know of', programmed('7', '9', true)],
  ])('behind when %s is newer', (_, seen) => expect(rules(seen).state).toBe('behind'))

  test('behind when a slice is not among them', () => {
    const more = { ...slice(), metadata: { name: 'web-2', resourceVersion: '10' } }
    const seen = programmed('7', '9')
    expect(nodeRules('node-1', seen, service({ selector }), [...serving, more]).state).toBe('behind')
  })
})
