/** Questions about a Service that defaults, validation, strategy and other rooms ask. */
import type { Service, ServiceSpec } from '../../generated/v1.ts'

const emptySpec: ServiceSpec = {}

export function specOf(service: Service): ServiceSpec {
  return service.spec ?? emptySpec
}

/** The type; an absent one means ClusterIP. */
export function serviceType(service: Service): string {
  return specOf(service).type || 'ClusterIP'
}

export function isHeadless(service: Service): boolean {
  const { clusterIP, clusterIPs } = specOf(service)
  if (serviceType(service) === 'ExternalName') return false
  return clusterIPs && clusterIPs.length > 0
    ? clusterIPs.length === 1 && clusterIPs[0] === 'None'
    : clusterIP === 'None'
}

/** The allocated virtual addresses, primary first; empty for headless and ExternalName Services. */
export function clusterIPsOf(service: Service): string[] {
  const { clusterIP, clusterIPs } = specOf(service)
  if (serviceType(service) === 'ExternalName') return []
  const listed = clusterIPs && clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : []
  return listed.filter((ip) => ip !== '' && ip !== 'None')
}

export function needsClusterIP(service: Service): boolean {
  return ['ClusterIP', 'NodePort', 'LoadBalancer'].includes(serviceType(service))
}

/** Node ports may stand in the ports, whether or not the cluster gives some by itself. */
export function usesNodePorts(service: Service): boolean {
  return ['NodePort', 'LoadBalancer'].includes(serviceType(service))
}

/** A port without a node port gets one. */
export function needsNodePort(service: Service): boolean {
  const type = serviceType(service)
  return type === 'NodePort' || (type === 'LoadBalancer' && specOf(service).allocateLoadBalancerNodePorts !== false)
}

/** Traffic may enter from outside the cluster. */
export function externallyAccessible(service: Service): boolean {
  const type = serviceType(service)
  return (
    type === 'LoadBalancer' ||
    type === 'NodePort' ||
    (type === 'ClusterIP' && (specOf(service).externalIPs?.length ?? 0) > 0)
  )
}

export function needsHealthCheckNodePort(service: Service): boolean {
  return serviceType(service) === 'LoadBalancer' && specOf(service).externalTrafficPolicy === 'Local'
}
