/** One pod as an endpoint of an EndpointSlice. Pure (upstream: k8s.io/endpointslice). */
import { podReady } from '../../api/core/pod/conditions.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Pod, Service } from '../../api/generated/v1.ts'
import { perPod } from '../endpoints/derived.ts'
import {
  type AddressFamily,
  addressesOfFamily,
  belongsInEndpoints,
  findPort,
  hostnameUnder,
} from '../endpoints/pods.ts'
import { distributionHints } from './hints.ts'

const zoneLabel = 'topology.kubernetes.io/zone'

/** A pod under a Service, with what packing compares. */
export interface PodEndpoint {
  readonly endpoint: Endpoint
  /** `endpointKey` of it. */
  readonly key: string
  readonly ports: EndpointPort[]
  readonly portsKey: string
}

/** Undefined: the pod is no endpoint of this family. */
export type PodEndpoints = (pod: Pod, node: Node | undefined) => PodEndpoint | undefined

/** The pods' endpoints, each remembered until the pod, the Service or the node's zone changes. */
export function podEndpoints(service: Service, family: AddressFamily): PodEndpoints {
  const memory = memories(service)
  return (pod, node) => {
    const ofPod = memory(pod)
    const zone = node?.metadata.labels?.[zoneLabel]
    let known = ofPod[family]
    if (!known || known.zone !== zone) {
      known = { zone, value: derive(service, pod, { family, zone }) }
      ofPod[family] = known
    }
    return known.value
  }
}

type Memory = { [F in AddressFamily]?: { readonly zone: string | undefined; readonly value: PodEndpoint | undefined } }

const memories = perPod((): Memory => ({}))

function derive(
  service: Service,
  pod: Pod,
  { family, zone }: { family: AddressFamily; zone: string | undefined },
): PodEndpoint | undefined {
  const addresses = addressesOfFamily(pod, family)
  if (addresses.length === 0 || !belongsInEndpoints(pod, { includeTerminating: true })) return undefined
  const serving = podReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  // A terminating pod is not ready, whatever its probes say, unless it is to be published regardless.
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating)
  const { name, namespace, uid } = pod.metadata
  const hostname = hostnameUnder(service, pod)
  const nodeName = pod.spec?.nodeName
  const hints = ready ? distributionHints(service, { zone, nodeName }) : undefined
  const endpoint: Endpoint = {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname && { hostname }),
    targetRef: { kind: 'Pod', ...(namespace && { namespace }), name, ...(uid && { uid }) },
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    ...(hints && { hints }),
  }
  const ports = portsOf(service, pod)
  return { endpoint, key: endpointKey(endpoint), ports, portsKey: portsKey(ports) }
}

/** The Service's ports as this pod has them; a named target port it lacks is left out. */
function portsOf(service: Service, pod: Pod): EndpointPort[] {
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

/** Keys of a slice's endpoints, in their order. */
export function endpointKeys(slice: EndpointSlice): readonly string[] {
  let keys = keysOfSlices.get(slice)
  if (!keys) keysOfSlices.set(slice, (keys = (slice.endpoints ?? []).map(endpointKey)))
  return keys
}

/** Slices in the informer's cache and those the server answered with are never mutated. */
const keysOfSlices = new WeakMap<EndpointSlice, readonly string[]>()

/** Whether two endpoints with the same key need no write, hints aside. */
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
