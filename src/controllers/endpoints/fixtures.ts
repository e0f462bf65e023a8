/** Objects for the tests of both endpoint controllers, shaped like the recorded ones. */
import type { Node, Pod, Service } from '../../api/generated/v1.ts'

export interface PodShape {
  readonly ip?: string
  readonly ips?: readonly string[]
  readonly ready?: boolean
  readonly terminating?: boolean
  readonly phase?: string
  readonly labels?: Record<string, string>
  readonly hostname?: string
  readonly subdomain?: string
  readonly node?: string
  readonly since?: string
  /** Named container ports. */
  readonly ports?: Record<string, number>
}

export function makePod(name: string, shape: PodShape = {}): Pod {
  const { ip = '10.244.0.54', ready = true, node = 'node-1', ports = { http: 8080 } } = shape
  const ips = shape.ips ?? (ip ? [ip] : [])
  return {
    metadata: {
      name,
      namespace: 'demo',
      uid: `uid-${name}`,
      labels: shape.labels ?? { app: 'web' },
      ...(shape.terminating && { deletionTimestamp: '2026-11-21T02:43:00Z' }),
    },
    spec: {
      nodeName: node,
      ...(shape.hostname && { hostname: shape.hostname }),
      ...(shape.subdomain && { subdomain: shape.subdomain }),
      containers: [
        { name: 'c', ports: Object.entries(ports).map(([n, containerPort]) => ({ name: n, containerPort })) },
      ],
    },
    status: {
      phase: shape.phase ?? 'Running',
      ...(ips[0] && { podIP: ips[0], podIPs: ips.map((each) => ({ ip: each })) }),
      conditions: [
        {
          type: 'Ready',
          status: ready ? 'True' : 'False',
          lastTransitionTime: shape.since ?? '2026-11-21T02:41:59Z',
        },
      ],
    },
  }
}

export function makeService(name: string, spec: Service['spec'] = {}, labels?: Record<string, string>): Service {
  return {
    metadata: {
      name,
      namespace: 'demo',
      uid: `uid-${name}`,
      creationTimestamp: '2026-11-21T02:41:57Z',
      ...(labels && { labels }),
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.100.1',
      ipFamilies: ['IPv4'],
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'http' }],
      ...spec,
    },
  }
}

export function makeNode(name: string, labels: Record<string, string> = {}): Node {
  return { metadata: { name, labels } }
}
