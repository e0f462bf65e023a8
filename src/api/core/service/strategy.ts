/** How a Service is prepared for being written (upstream's pkg/registry/core/service). */
import { keepSpec, keepStatus, sameValue } from '../../common/strategy.ts'
import type { Service, ServiceSpec } from '../../generated/v1.ts'
import type { RequestContext } from '../../resource.ts'
import { defaultFamilies } from './families.ts'
import { needsClusterIP, needsHealthCheckNodePort, needsNodePort, serviceType, specOf } from './kind.ts'

export function prepareServiceForCreate(service: Service, context: RequestContext): void {
  service.status = { loadBalancer: {} }
  const spec = (service.spec ??= {})
  if (spec.clusterIP && !spec.clusterIPs) spec.clusterIPs = [spec.clusterIP]
  defaultFamilies(service, context.settings)
}

export function prepareServiceForUpdate(next: Service, old: Service, context: RequestContext): void {
  keepStatus(next, old)
  next.spec ??= {}
  keepAllocatedValues(next, old)
  syncClusterIPs(specOf(next), specOf(old))
  dropTypeDependentFields(next, old)
  dropReleasedFamily(specOf(next), specOf(old))
  defaultFamilies(next, context.settings)
  if (serviceType(next) !== 'LoadBalancer' && next.status?.loadBalancer?.ingress) next.status.loadBalancer = {}
}

export function prepareServiceForStatusUpdate(next: Service, old: Service): void {
  keepSpec(next, old)
}

/** Values the cluster gave and the client left out stay as they are, so that a manifest can be applied again. */
function keepAllocatedValues(next: Service, old: Service): void {
  const spec = specOf(next)
  const before = specOf(old)
  if (needsClusterIP(old) && needsClusterIP(next)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP
    if (!spec.clusterIPs && before.clusterIPs && spec.clusterIP === before.clusterIP)
      spec.clusterIPs = before.clusterIPs
    if (spec.clusterIP === before.clusterIP) {
      if (!spec.ipFamilies && before.ipFamilies) spec.ipFamilies = before.ipFamilies
      if (!spec.ipFamilyPolicy && before.ipFamilyPolicy) spec.ipFamilyPolicy = before.ipFamilyPolicy
    }
  }
  if (needsNodePort(old) && needsNodePort(next)) keepNodePorts(spec, before)
  if (needsHealthCheckNodePort(old) && needsHealthCheckNodePort(next) && before.healthCheckNodePort) {
    spec.healthCheckNodePort ||= before.healthCheckNodePort
  }
}

function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const wanted = new Set(spec.ports?.map((port) => port.nodePort))
  const used = new Set(before.ports?.map((port) => port.nodePort).filter((port) => wanted.has(port)))
  const byName = new Map(before.ports?.map((port) => [port.name ?? '', port.nodePort]))
  for (const port of spec.ports ?? []) {
    const known = byName.get(port.name ?? '')
    if (port.nodePort || !known || used.has(known)) continue
    port.nodePort = known
    used.add(known)
  }
}

/** `clusterIP` and `clusterIPs[0]` are one value; a client that sets only one of them means both. */
function syncClusterIPs(spec: ServiceSpec, before: ServiceSpec): void {
  const sameList = sameValue(spec.clusterIPs, before.clusterIPs)
  if (spec.clusterIP === before.clusterIP) {
    if (!spec.clusterIPs && before.clusterIPs) spec.clusterIPs = before.clusterIPs
  } else if (sameList) {
    if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP]
    else delete spec.clusterIPs
  }
}

/** Fields that the new type does not use go away, unless the client changed them: then validation will tell. */
function dropTypeDependentFields(next: Service, old: Service): void {
  const spec = specOf(next)
  const before = specOf(old)
  const drop = (...names: (keyof ServiceSpec)[]) => {
    if (names.every((name) => sameValue(spec[name], before[name]))) for (const name of names) delete spec[name]
  }
  if (needsClusterIP(old) && !needsClusterIP(next)) {
    drop('clusterIP', 'clusterIPs')
    drop('ipFamilies')
    drop('ipFamilyPolicy')
  }
  if (needsNodePort(old) && !needsNodePort(next) && sameValue(nodePorts(spec), nodePorts(before))) {
    for (const port of spec.ports ?? []) delete port.nodePort
  }
  if (needsHealthCheckNodePort(old) && !needsHealthCheckNodePort(next)) drop('healthCheckNodePort')
  if (usesExternalTrafficPolicy(old) && !usesExternalTrafficPolicy(next)) drop('externalTrafficPolicy')
  if (serviceType(old) === 'LoadBalancer' && serviceType(next) !== 'LoadBalancer') {
    drop('allocateLoadBalancerNodePorts')
    drop('loadBalancerClass')
  }
}

function nodePorts(spec: ServiceSpec): (number | undefined)[] {
  return (spec.ports ?? []).map((port) => port.nodePort)
}

function usesExternalTrafficPolicy(service: Service): boolean {
  const type = serviceType(service)
  return type === 'NodePort' || type === 'LoadBalancer' || (specOf(service).externalIPs?.length ?? 0) > 0
}

/** From dual to single stack by policy alone: the secondary address and family are released. */
function dropReleasedFamily(spec: ServiceSpec, before: ServiceSpec): void {
  if (spec.ipFamilyPolicy !== 'SingleStack' || before.ipFamilyPolicy === 'SingleStack') return
  if (sameValue(spec.clusterIPs, before.clusterIPs) && (spec.clusterIPs?.length ?? 0) > 1) {
    spec.clusterIPs = spec.clusterIPs?.slice(0, 1)
  }
  if (sameValue(spec.ipFamilies, before.ipFamilies) && (spec.ipFamilies?.length ?? 0) > 1) {
    spec.ipFamilies = spec.ipFamilies?.slice(0, 1)
  }
}
