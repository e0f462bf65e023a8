/** The Services that the packet cases are sent to, and what is behind them; node-1 is in zone a, node-2 in zone b. */
import type { Endpoint } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { ServiceSpec } from '../../api/generated/v1.ts'
import type { Tracker } from '../track/tracker.ts'
import { addresses, type NodeName, pods } from './network.ts'
import { type SpecInput, service, slice } from './objects.ts'

type PodName = keyof typeof pods

const http = { name: 'http', port: 80, protocol: 'TCP' }
export const dns = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
]
export const dnsTargets = [
  { name: 'dns', port: 5353, protocol: 'UDP' },
  { name: 'dns-tcp', port: 8080, protocol: 'TCP' },
]
export const everyPod: readonly PodName[] = ['pod-1', 'pod-2', 'pod-3']

type Behind = PodName | readonly [PodName, Omit<Endpoint, 'addresses' | 'nodeName'>]

/** Endpoints as slices have them: a pod that is ready, or a pod with what is special about it. */
export function endpoints(behind: readonly Behind[], family: 4 | 6 = 4): Endpoint[] {
  return behind.map((one) => {
    const [pod, more] = typeof one === 'string' ? [one, {}] : one
    return { addresses: [addresses[pod][family]], nodeName: pods[pod], conditions: { ready: true }, ...more }
  })
}

const ending = { conditions: { ready: false, serving: true, terminating: true } }
const unready = { conditions: { ready: false } }
const zone = (name: string) => ({ hints: { forZones: [{ name }] } })
const node = (name: string) => ({ hints: { forNodes: [{ name }] } })
const nodePort = (port: number): SpecInput => ({ type: 'NodePort', ports: [{ ...http, nodePort: port }] })
const balancer = (ip: string, ipMode = 'VIP') => ({ loadBalancer: { ingress: [{ ip, ipMode }] } })
const local: ServiceSpec = { externalTrafficPolicy: 'Local' }
const dual = (v4: string, v6: string) => ({ clusterIPs: [v4, v6] })

interface Entry {
  readonly name: string
  readonly ip: string
  readonly spec?: SpecInput
  readonly status?: Parameters<typeof service>[3]
  readonly behind?: readonly Behind[]
  readonly behind6?: readonly Behind[]
  readonly targets?: typeof dnsTargets
}

const entries: readonly Entry[] = [
  { name: 'web', ip: '10.96.0.10', behind: everyPod },
  { name: 'self', ip: '10.96.0.11', behind: ['pod-1'] },
  { name: 'none', ip: '10.96.0.12', spec: { ports: [http, ...dns] } },
  { name: 'sticky', ip: '10.96.0.13', spec: { sessionAffinity: 'ClientIP' }, behind: everyPod },
  { name: 'dns', ip: '10.96.0.14', spec: { ports: dns }, behind: ['pod-2'], targets: dnsTargets },
  { name: 'here', ip: '10.96.0.15', spec: { internalTrafficPolicy: 'Local' }, behind: ['pod-2', 'pod-3'] },
  { name: 'elsewhere', ip: '10.96.0.16', spec: { internalTrafficPolicy: 'Local' }, behind: ['pod-3'] },
  {
    name: 'leaving',
    ip: '10.96.0.17',
    behind: [
      ['pod-2', ending],
      ['pod-3', unready],
    ],
  },
  { name: 'np', ip: '10.96.0.20', spec: nodePort(30080), behind: everyPod },
  { name: 'np-local', ip: '10.96.0.21', spec: { ...nodePort(30081), ...local }, behind: ['pod-2'] },
  { name: 'np-none', ip: '10.96.0.22', spec: nodePort(30082) },
  { name: 'np-sticky', ip: '10.96.0.23', spec: { ...nodePort(30083), sessionAffinity: 'ClientIP' }, behind: everyPod },
  {
    name: 'np-leaving',
    ip: '10.96.0.24',
    spec: { ...nodePort(30084), ...local },
    behind: [['pod-2', ending], 'pod-3'],
  },
  {
    name: 'np-dns',
    ip: '10.96.0.25',
    spec: { type: 'NodePort', ports: [{ name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 }] },
    behind: ['pod-2'],
    targets: dnsTargets,
  },
  { name: 'lb', ip: '10.96.0.30', spec: { type: 'LoadBalancer' }, status: balancer('192.0.2.10'), behind: everyPod },
  {
    name: 'lb-local',
    ip: '10.96.0.31',
    spec: { type: 'LoadBalancer', ...local },
    status: balancer('192.0.2.11'),
    behind: ['pod-2', 'pod-3'],
  },
  {
    name: 'lb-open',
    ip: '10.96.0.32',
    spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['172.30.9.0/24'], ports: [{ ...http, nodePort: 30085 }] },
    status: balancer('192.0.2.12'),
    behind: ['pod-2'],
  },
  {
    name: 'lb-closed',
    ip: '10.96.0.33',
    spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['203.0.113.0/24'], ports: [{ ...http, nodePort: 30086 }] },
    status: balancer('192.0.2.13'),
    behind: ['pod-2'],
  },
  {
    name: 'lb-proxy',
    ip: '10.96.0.34',
    spec: { type: 'LoadBalancer', ports: [{ ...http, nodePort: 30087 }] },
    status: balancer('192.0.2.14', 'Proxy'),
    behind: ['pod-2'],
  },
  { name: 'lb-none', ip: '10.96.0.35', spec: { type: 'LoadBalancer' }, status: balancer('192.0.2.15') },
  { name: 'ext', ip: '10.96.0.40', spec: { externalIPs: ['198.51.100.7'] }, behind: ['pod-3'] },
  { name: 'ext-local', ip: '10.96.0.41', spec: { externalIPs: ['198.51.100.8'], ...local }, behind: ['pod-3'] },
  {
    name: 'zones',
    ip: '10.96.0.50',
    behind: [
      ['pod-2', zone('a')],
      ['pod-3', zone('b')],
    ],
  },
  {
    name: 'one-zone',
    ip: '10.96.0.51',
    behind: [
      ['pod-2', zone('c')],
      ['pod-3', zone('c')],
    ],
  },
  { name: 'half-hinted', ip: '10.96.0.52', behind: [['pod-2', zone('a')], 'pod-3'] },
  {
    name: 'nodes',
    ip: '10.96.0.53',
    behind: [
      ['pod-2', node('node-1')],
      ['pod-3', node('node-2')],
    ],
  },
  {
    name: 'dual',
    ip: '10.96.0.60',
    spec: { ...nodePort(30090), ...dual('10.96.0.60', 'fd00:96::10') },
    behind: everyPod,
    behind6: everyPod,
  },
  { name: 'self6', ip: 'fd00:96::11', behind6: ['pod-1'] },
  { name: 'none6', ip: 'fd00:96::12' },
  { name: 'dns6', ip: 'fd00:96::14', spec: { ports: dns }, behind6: ['pod-2'], targets: dnsTargets },
  { name: 'np-local6', ip: 'fd00:96::21', spec: { ...nodePort(30091), ...local }, behind6: ['pod-2'] },
  {
    name: 'lb-closed6',
    ip: 'fd00:96::33',
    spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['2001:db8:f::/48'] },
    status: balancer('2001:db8::13'),
    behind6: ['pod-2'],
  },
  {
    name: 'lb6',
    ip: 'fd00:96::34',
    spec: { type: 'LoadBalancer', sessionAffinity: 'ClientIP' },
    status: balancer('2001:db8::14'),
    behind6: everyPod,
  },
]

export function fillWorld(tracker: Tracker, nodeName: NodeName): void {
  const labels = { 'topology.kubernetes.io/zone': nodeName === 'node-1' ? 'a' : 'b' }
  tracker.setNode({ metadata: { name: nodeName, labels } })
  for (const { name, ip, spec, status, behind = [], behind6 = [], targets } of entries) {
    tracker.setService(service(`demo/${name}`, ip, spec, status))
    if (behind.length > 0) tracker.setSlice(slice(`demo/${name}`, endpoints(behind), targets))
    if (behind6.length > 0) tracker.setSlice(slice(`demo/${name}`, endpoints(behind6, 6), targets, 'v6'))
  }
}
