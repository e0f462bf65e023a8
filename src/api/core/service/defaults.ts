/** Defaults of a Service that do not depend on what is stored (k8s.io/api/core/v1, SetDefaults_Service). */
import type { Service, ServicePort, ServiceSpec } from '../../generated/v1.ts'
import { externallyAccessible } from './kind.ts'

/** Three hours, as clients expect of `sessionAffinity: ClientIP`. */
const defaultAffinityTimeoutSeconds = 10800

export function setServiceDefaults(service: Service): void {
  const spec = (service.spec ??= {})
  dropZeroValues(spec)
  spec.sessionAffinity ||= 'None'
  spec.type ||= 'ClusterIP'
  defaultAffinity(spec)
  spec.ports?.forEach(defaultPort)
  if (externallyAccessible(service)) spec.externalTrafficPolicy ||= 'Cluster'
  if (['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type)) spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
  }
}

/** What Go's encoding leaves out: an empty string or list, a zero port. Then a manifest with them means the default. */
function dropZeroValues(spec: ServiceSpec): void {
  for (const name of ['clusterIP', 'externalName', 'loadBalancerIP', 'externalTrafficPolicy'] as const) {
    if (spec[name] === '') delete spec[name]
  }
  for (const name of ['clusterIPs', 'externalIPs', 'ipFamilies', 'loadBalancerSourceRanges', 'ports'] as const) {
    if (spec[name]?.length === 0) delete spec[name]
  }
  if (spec.selector && Object.keys(spec.selector).length === 0) delete spec.selector
  if (spec.healthCheckNodePort === 0) delete spec.healthCheckNodePort
  if (spec.publishNotReadyAddresses === false) delete spec.publishNotReadyAddresses
}

function defaultAffinity(spec: ServiceSpec): void {
  if (spec.sessionAffinity === 'None') {
    delete spec.sessionAffinityConfig
  } else if (
    spec.sessionAffinity === 'ClientIP' &&
    spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
  ) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: defaultAffinityTimeoutSeconds } }
  }
}

function defaultPort(port: ServicePort): void {
  if (port.nodePort === 0) delete port.nodePort
  if (port.name === '') delete port.name
  port.protocol ||= 'TCP'
  if (!port.targetPort) port.targetPort = port.port
}
