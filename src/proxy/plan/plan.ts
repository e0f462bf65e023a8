/** From a Service's ports and endpoints to their plans. Pure. */
import type { Service, ServicePort } from '../../api/generated/v1.ts'
import { parseCidr, parseIp } from '../../lib/ip.ts'
import { chooseEndpoints, type EndpointState, type Place } from './endpoints.ts'
import {
  backendAddress,
  externallyAccessible,
  type Family,
  type PortPlan,
  type Protocol,
  type Verdict,
} from './types.ts'

/** The endpoints of the Service's port of this name and protocol, in one family. */
export type EndpointsOf = (port: { name: string; protocol: Protocol; family: Family }) => readonly EndpointState[]

/** The plans of every port of a Service, all families. Headless and ExternalName Services have none. */
export function planService(service: Service, endpoints: EndpointsOf, place: Place): PortPlan[] {
  const { spec } = service
  if (!spec || spec.type === 'ExternalName') return []
  const addresses = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? '']
  return addresses.flatMap((clusterIp) => {
    const family = parseIp(clusterIp)?.family
    if (family === undefined) return []
    return (spec.ports ?? []).map((port) => planPort(service, port, { clusterIp, family }, endpoints, place))
  })
}

function planPort(
  service: Service,
  port: ServicePort,
  { clusterIp, family }: { clusterIp: string; family: Family },
  endpoints: EndpointsOf,
  place: Place,
): PortPlan {
  const spec = service.spec ?? {}
  const name = port.name ?? ''
  const protocol = (port.protocol ?? 'TCP').toLowerCase() as Protocol
  const id = `${service.metadata.namespace}/${service.metadata.name}${name ? `:${name}` : ''}`
  const fronts = {
    nodePort: port.nodePort ?? 0,
    externalIps: ofFamily(spec.externalIPs ?? [], family),
    loadBalancerIps: loadBalancerIps(service, family),
  }
  const external = externallyAccessible(fronts)
  const internalLocal = spec.internalTrafficPolicy === 'Local'
  const externalLocal = spec.externalTrafficPolicy === 'Local'
  // Even under externalTrafficPolicy Local, pods and the node itself use all endpoints.
  const wants = { cluster: !internalLocal || external, local: internalLocal || (externalLocal && external) }
  const states = endpoints({ name, protocol, family })
  const choice = chooseEndpoints(states, wants, place)
  const healthCheckNodePort = externalLocal && spec.type === 'LoadBalancer' ? (spec.healthCheckNodePort ?? 0) : 0
  const verdict = (local: boolean): Verdict => {
    if (!choice.any) return 'reject'
    if (!local) return 'cluster'
    return choice.local.length > 0 ? 'local' : 'drop'
  }
  return {
    id,
    family,
    protocol,
    clusterIp,
    port: port.port,
    ...fronts,
    sourceRanges: ofFamily(spec.loadBalancerSourceRanges ?? [], family),
    healthCheckNodePort,
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) : 0,
    internal: verdict(internalLocal),
    external: verdict(externalLocal),
    externalLocal,
    cluster: choice.cluster,
    local: choice.local,
    serving: protocol === 'udp' ? distinct(states.filter((e) => e.serving).map(backendAddress)) : [],
    localReadyIps: healthCheckNodePort ? distinct(states.filter((e) => e.local && e.ready).map((e) => e.ip)) : [],
  }
}

function distinct(addresses: readonly string[]): string[] {
  return [...new Set(addresses)].sort()
}

/** ipMode Proxy means that the balancer delivers to node ports itself (KEP-1860). */
function loadBalancerIps(service: Service, family: Family): string[] {
  const ingress = service.status?.loadBalancer?.ingress ?? []
  const vips = ingress.flatMap((i) => (i.ip && (i.ipMode ?? 'VIP') === 'VIP' ? [i.ip] : []))
  return ofFamily(vips, family)
}

function ofFamily(addresses: readonly string[], family: Family): string[] {
  const own = addresses.map((a) => a.trim()).filter((a) => (parseIp(a) ?? parseCidr(a)?.ip)?.family === family)
  return distinct(own)
}
