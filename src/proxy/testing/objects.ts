/** Services and EndpointSlices for tests, written as short as their meaning allows. */
import type { Endpoint, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Service, ServicePort, ServiceSpec } from '../../api/generated/v1.ts'

export type SpecInput = Omit<ServiceSpec, 'ports'> & { readonly ports?: ServicePort[] }

/** `name` is `namespace/name`. */
export function service(name: string, clusterIP: string, spec: SpecInput = {}, status?: Service['status']): Service {
  const [namespace = '', short = ''] = name.split('/')
  return {
    metadata: { namespace, name: short },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      ...spec,
    },
    ...(status && { status }),
  }
}

/** One slice of the Service `name`; an endpoint may be given by its address alone. */
export function slice(
  name: string,
  endpoints: readonly (string | Endpoint)[],
  ports: EndpointSlice['ports'] = [{ name: 'http', port: 8080, protocol: 'TCP' }],
  suffix = 'a',
): EndpointSlice {
  const [namespace = '', short = ''] = name.split('/')
  const list = endpoints.map((e) =>
    typeof e === 'string' ? { addresses: [e], conditions: { ready: true }, nodeName: 'node-1' } : e,
  )
  return {
    metadata: { namespace, name: `${short}-${suffix}`, labels: { 'kubernetes.io/service-name': short } },
    addressType: list[0]?.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: list,
    ...(ports && { ports }),
  }
}
