/** How a Service is prepared for being written (upstream's pkg/registry/core/service). */
import { keepSpec, keepStatus, sameValue } from '../../common/strategy.ts'
import type { Service, ServiceSpec } from '../../generated/v1.ts'
import type { RequestContext } from '../../resource.ts'
import { initFamilies } from './families.ts'
import {
  externallyAccessible,
  needsHealthCheckNodePort,
  needsNodePort,
  serviceType,
  specOf,
  usesNodePorts,
} from './kind.ts'
import { trafficPolicies } from './validation.ts'

export function prepareServiceForCreate(service: Service, { settings }: RequestContext): void {
  service.status = { loadBalancer: {} }
  const spec = (service.spec ??= {})
  // A client that knows only the older field means both.
  if (spec.clusterIP && !spec.clusterIPs) spec.clusterIPs = [spec.clusterIP]
  initFamilies(service, undefined, settings)
  dropInternalTrafficPolicy(service)
}

export function prepareServiceForUpdate(next: Service, old: Service, { settings }: RequestContext): void {
  keepStatus(next, old)
  next.spec ??= {}
  keepAllocatedValues(next, old)
  syncClusterIPs(specOf(next), specOf(old))
  initFamilies(next, old, settings)
  dropTypeDependentFields(next, old)
  dropInternalTrafficPolicy(next)
}

export function prepareServiceForStatusUpdate(next: Service, old: Service): void {
  keepSpec(next, old)
}

/** Values the cluster gave and the client left out stay as they are, so that a manifest can be applied again. */
function keepAllocatedValues(next: Service, old: Service): void {
  const spec = specOf(next)
  const before = specOf(old)
  if (hasAddress(old) && hasAddress(next)) {
    if (!spec.clusterIP && before.clusterIP) spec.clusterIP = before.clusterIP
    if (!spec.clusterIPs?.length && before.clusterIPs?.length) spec.clusterIPs = before.clusterIPs
  }
  if (needsNodePort(old) && needsNodePort(next)) keepNodePorts(spec, before)
  if (needsHealthCheckNodePort(old) && needsHealthCheckNodePort(next) && before.healthCheckNodePort) {
    spec.healthCheckNodePort ||= before.healthCheckNodePort
  }
}

/** `None` is an address here. */
function hasAddress(service: Service): boolean {
  return serviceType(service) !== 'ExternalName'
}

/** By port name: a port that is renumbered keeps its node port, unless another port has taken it. */
function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const wanted = nodePorts(spec)
  const used = new Set(nodePorts(before).filter((port) => wanted.includes(port)))
  const byName = new Map(before.ports?.map((port) => [port.name ?? '', port.nodePort]))
  for (const port of spec.ports ?? []) {
    const known = byName.get(port.name ?? '')
    if (!port.nodePort && known && !used.has(known)) port.nodePort = known
  }
}

/** `clusterIP` and `clusterIPs[0]` are one value; a client that changes only the older field means both. */
function syncClusterIPs(spec: ServiceSpec, before: ServiceSpec): void {
  if (spec.clusterIP === before.clusterIP) {
    if (!spec.clusterIPs?.length && before.clusterIPs) spec.clusterIPs = before.clusterIPs
  } else if (sameValue(spec.clusterIPs, before.clusterIPs)) {
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
  if (hasAddress(old) && !hasAddress(next)) {
    drop('clusterIP', 'clusterIPs')
    drop('ipFamilies')
    drop('ipFamilyPolicy')
  }
  if (usesNodePorts(old) && !usesNodePorts(next) && isSubset(nodePorts(spec), nodePorts(before))) {
    for (const port of spec.ports ?? []) delete port.nodePort
  }
  if (needsHealthCheckNodePort(old) && !needsHealthCheckNodePort(next)) drop('healthCheckNodePort')
  if (serviceType(old) === 'LoadBalancer' && serviceType(next) !== 'LoadBalancer') {
    drop('allocateLoadBalancerNodePorts')
    drop('loadBalancerClass')
  }
  if (externallyAccessible(old) && !externallyAccessible(next)) drop('externalTrafficPolicy')
  if (serviceType(next) !== 'LoadBalancer' && next.status?.loadBalancer?.ingress) {
    next.status = { ...next.status, loadBalancer: {} }
  }
}

/** ExternalName has none: upstream leaves it out whenever one is read. A wrong one is refused all the same. */
function dropInternalTrafficPolicy(service: Service): void {
  const spec = specOf(service)
  if (serviceType(service) === 'ExternalName' && trafficPolicies.includes(spec.internalTrafficPolicy ?? '')) {
    delete spec.internalTrafficPolicy
  }
}

function nodePorts(spec: ServiceSpec): number[] {
  return (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []))
}

function isSubset(part: readonly number[], whole: readonly number[]): boolean {
  return part.every((port) => whole.includes(port))
}
