/** One pod as an endpoint of an EndpointSlice. Pure (upstream: k8s.io/endpointslice). */
import { podReady } from '../../api/core/pod/conditions.ts'
import type { Endpoint, EndpointPort } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Pod, Service } from '../../api/generated/v1.ts'
import { type AddressFamily, addressesOfFamily, findPort, hostnameUnder } from '../endpoints/pods.ts'

const zoneLabel = 'topology.kubernetes.io/zone'

/** Undefined: the pod has no address of this family. */
export function endpointOf(
  service: Service,
  pod: Pod,
  { family, node }: { family: AddressFamily; node: Node | undefined },
): Endpoint | undefined {
  const addresses = addressesOfFamily(pod, family)
  if (addresses.length === 0) return undefined
  const serving = podReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const { name, namespace, uid } = pod.metadata
  const hostname = hostnameUnder(service, pod)
  const zone = node?.metadata.labels?.[zoneLabel]
  return {
    addresses,
    conditions: {
      // A terminating pod is not ready, whatever its probes say, unless it is to be published regardless.
      ready: service.spec?.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname && { hostname }),
    targetRef: { kind: 'Pod', ...(namespace && { namespace }), name, ...(uid && { uid }) },
    ...(pod.spec?.nodeName && { nodeName: pod.spec.nodeName }),
    ...(zone && { zone }),
  }
}

/** The Service's ports as this pod has them; a named target port it lacks is left out. */
export function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = findPort(pod, port)
    if (number === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = port
    return [{ name, port: number, protocol, ...(appProtocol && { appProtocol }) }]
  })
}

/** Equal for equal sets of ports, in any order. Null and absent lists are the empty set. */
export function portsKey(ports: readonly EndpointPort[] | null | undefined): string {
  return (ports ?? [])
    .map(({ name, port, protocol, appProtocol }) => JSON.stringify([name ?? '', port, protocol, appProtocol ?? '']))
    .sort()
    .join()
}

/** What makes an endpoint the same one, changed or not: its addresses and the pod behind it. */
export function endpointKey({ addresses, targetRef, nodeName, hostname }: Endpoint): string {
  return JSON.stringify([
    [...addresses].sort(),
    targetRef?.uid ?? targetRef?.name ?? '',
    nodeName ?? '',
    hostname ?? '',
  ])
}

/** Whether two endpoints with the same key need no write. */
export function endpointsEqual(a: Endpoint, b: Endpoint): boolean {
  return (
    a.conditions?.ready === b.conditions?.ready &&
    a.conditions?.serving === b.conditions?.serving &&
    a.conditions?.terminating === b.conditions?.terminating &&
    a.zone === b.zone &&
    a.targetRef?.name === b.targetRef?.name &&
    a.targetRef?.namespace === b.targetRef?.namespace
  )
}
