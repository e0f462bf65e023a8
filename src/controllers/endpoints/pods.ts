/** What the endpoint controllers ask of a pod. Pure (upstream: pkg/api/v1/pod and k8s.io/endpointslice/util). */
import { isPodTerminal, podIPs } from '../../api/core/pod/conditions.ts'
import type { Pod, Service, ServicePort } from '../../api/generated/v1.ts'

export type AddressFamily = 'IPv4' | 'IPv6'

export function addressesOfFamily(pod: Pod, family: AddressFamily): string[] {
  return podIPs(pod).filter((ip) => familyOf(ip) === family)
}

export function familyOf(ip: string): AddressFamily {
  return ip.includes(':') ? 'IPv6' : 'IPv4'
}

/** A terminal pod's address may be another pod's by now. Terminating pods count for EndpointSlices always, for Endpoints only with publishNotReadyAddresses. */
export function belongsInEndpoints(pod: Pod, { includeTerminating }: { includeTerminating: boolean }): boolean {
  if (isPodTerminal(pod) || podIPs(pod).length === 0) return false
  return includeTerminating || !pod.metadata.deletionTimestamp
}

/** The pod's own name under the Service: hostname and a subdomain that is the Service's name. */
export function hostnameUnder(service: Service, pod: Pod): string | undefined {
  const hostname = pod.spec?.hostname
  const { name, namespace } = service.metadata
  return hostname && pod.spec?.subdomain === name && pod.metadata.namespace === namespace ? hostname : undefined
}

/**
 * The port number that `targetPort` means on this pod; a name is looked up in the pod's containers, and in sidecars
 * (restartable init containers). Undefined: this pod does not have it.
 */
export function findPort(pod: Pod, { targetPort, port, protocol = 'TCP' }: ServicePort): number | undefined {
  if (typeof targetPort === 'number') return targetPort === 0 ? port : targetPort
  if (targetPort === undefined || targetPort === '') return port
  const sidecars = (pod.spec?.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const declared of container.ports ?? []) {
      if (declared.name === targetPort && (declared.protocol ?? 'TCP') === protocol) return declared.containerPort
    }
  }
  return undefined
}

/** Without a virtual address: headless (or, for a moment, not allocated yet). */
export function isHeadless({ spec }: Service): boolean {
  return !spec?.clusterIP || spec.clusterIP === 'None'
}

/** Families of the Service's endpoints; objects from before dual stack carry none, then the cluster IP tells. */
export function serviceFamilies({ spec }: Service): AddressFamily[] {
  const families = (spec?.ipFamilies ?? []).filter((f) => f === 'IPv4' || f === 'IPv6')
  if (families.length > 0) return families
  return [spec?.clusterIP && spec.clusterIP !== 'None' ? familyOf(spec.clusterIP) : 'IPv4']
}
