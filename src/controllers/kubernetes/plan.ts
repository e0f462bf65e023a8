/** The `kubernetes` Service and where it points, as Kubernetes 1.36 makes them. Pure. */
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Endpoints, Service } from '../../api/generated/v1.ts'
import { addressAt, formatIp, parseCidr } from '../../lib/ip.ts'
import type { ControllerSettings } from '../context.ts'

export const serviceName = { namespace: 'default', name: 'kubernetes' } as const
const port = { name: 'https', protocol: 'TCP' } as const

/** At the first address of the primary service range. */
export function kubernetesService({ serviceCidrs, apiServer }: ControllerSettings): Service {
  const range = parseCidr(serviceCidrs[0] ?? '')
  if (!range) throw new Error(`service range ${JSON.stringify(serviceCidrs[0])} is not a CIDR`)
  const clusterIP = formatIp(addressAt(range, 1))
  return {
    metadata: { ...serviceName, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: [clusterIP.includes(':') ? 'IPv6' : 'IPv4'],
      sessionAffinity: 'None',
      ports: [{ ...port, port: 443, targetPort: apiServer.port }],
    },
  }
}

/** Not mirrored: the slice beside it is written by the same hand. */
export function kubernetesEndpoints({ apiServer }: ControllerSettings): Endpoints {
  return {
    metadata: { ...serviceName, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: apiServer.address }], ports: [{ ...port, port: apiServer.port }] }],
  }
}

export function kubernetesSlice({ apiServer }: ControllerSettings): EndpointSlice {
  return {
    metadata: { ...serviceName, labels: { 'kubernetes.io/service-name': serviceName.name } },
    addressType: apiServer.address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [apiServer.address], conditions: { ready: true } }],
    ports: [{ ...port, port: apiServer.port }],
  }
}
