/** A Service's Endpoints subsets from its pods. Pure (upstream: pkg/controller/endpoint and pkg/api/v1/endpoints). */
import { byIpAndUid, byNameAndPort, repackSubsets } from '../../api/core/endpoints/repack.ts'
import { podReady } from '../../api/core/pod/conditions.ts'
import type {
  EndpointAddress,
  EndpointPort,
  EndpointSubset,
  Pod,
  Service,
  ServicePort,
} from '../../api/generated/v1.ts'
import { perPod, sameJson } from './derived.ts'
import { addressesOfFamily, belongsInEndpoints, findPort, hostnameUnder, serviceFamilies } from './pods.ts'

/** More addresses than this make an object too big for the API; the rest is left out and an annotation says so. */
const addressesMax = 1000

interface Entry {
  readonly address: EndpointAddress
  readonly ready: boolean
  readonly ports: EndpointPort[]
  /** Equal for equal ports. */
  readonly portsId: string
}

/** In the form the server stores them, so that equal input gives equal output. */
export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const groups = new Map<string, { ports: EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }>()
  const entryOf = entriesOf(service)
  for (const pod of pods) {
    const entry = entryOf(pod)
    if (!entry) continue
    const { address, ready, ports, portsId } = entry
    let group = groups.get(portsId)
    if (!group) groups.set(portsId, (group = { ports, ready: [], notReady: [] }))
    group[ready ? 'ready' : 'notReady'].push(address)
  }
  const subsets = [...groups.values()].map(({ ports, ready, notReady }) => ({
    ...(ready.length > 0 && { addresses: ready.sort(byIpAndUid) }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady.sort(byIpAndUid) }),
    ...(ports.length > 0 && { ports }),
  }))
  // One group is canonical as it is.
  return subsets.length > 1 ? repackSubsets(subsets) : subsets
}

/** Undefined: the pod is no endpoint of the Service. */
const entriesOf = perPod((service, pod): Entry | undefined => {
  const publishNotReady = service.spec?.publishNotReadyAddresses === true
  const servicePorts = service.spec?.ports ?? []
  const address = addressOf(service, pod)
  if (!address || !belongsInEndpoints(pod, { includeTerminating: publishNotReady })) return undefined
  const ports = servicePorts.flatMap((port) => endpointPort(pod, port)).sort(byNameAndPort)
  // Only a headless Service may do without ports; a pod that has none of the named ones is no endpoint.
  const portless = servicePorts.length === 0 && service.spec?.clusterIP === 'None'
  if (ports.length === 0 && !portless) return undefined
  return { address, ready: publishNotReady || podReady(pod), ports, portsId: JSON.stringify(ports) }
})

function endpointPort(pod: Pod, port: ServicePort): EndpointPort[] {
  const number = findPort(pod, port)
  if (number === undefined) return []
  const { name, protocol = 'TCP', appProtocol } = port
  return [{ ...(name && { name }), port: number, protocol, ...(appProtocol && { appProtocol }) }]
}

function addressOf(service: Service, pod: Pod): EndpointAddress | undefined {
  const ip = addressesOfFamily(pod, serviceFamilies(service)[0] ?? 'IPv4')[0]
  if (ip === undefined) return undefined
  const { name, namespace, uid } = pod.metadata
  const hostname = hostnameUnder(service, pod)
  return {
    ip,
    ...(hostname && { hostname }),
    ...(pod.spec?.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', ...(namespace && { namespace }), name, ...(uid && { uid }) },
  }
}

/** Whether two lists of subsets say the same; the pods' resourceVersions, which some authors write, do not count. */
export function sameSubsets(a: readonly EndpointSubset[], b: readonly EndpointSubset[]): boolean {
  return (
    a.length === b.length &&
    a.every((subset, i) => {
      const other = b[i]
      return (
        sameAddresses(subset.addresses ?? [], other?.addresses ?? []) &&
        sameAddresses(subset.notReadyAddresses ?? [], other?.notReadyAddresses ?? []) &&
        sameJson(subset.ports ?? [], other?.ports ?? [])
      )
    })
  )
}

function sameAddresses(a: readonly EndpointAddress[], b: readonly EndpointAddress[]): boolean {
  if (a.length !== b.length) return false
  for (const [i, one] of a.entries()) {
    const other = b[i]
    if (one.ip !== other?.ip || one.hostname !== other.hostname || one.nodeName !== other.nodeName) return false
    if (one.targetRef?.uid !== other.targetRef?.uid) return false
    if (!sameJson(one.targetRef, other.targetRef, 'resourceVersion')) return false
  }
  return true
}

/**
 * At most `max` addresses. Not-ready ones give way first; what is cut is cut from every subset in proportion.
 */
export function truncate(
  subsets: readonly EndpointSubset[],
  max = addressesMax,
): { subsets: EndpointSubset[]; truncated: boolean } {
  const count = (field: 'addresses' | 'notReadyAddresses') =>
    subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0)
  const ready = count('addresses')
  const notReady = count('notReadyAddresses')
  if (ready + notReady <= max) return { subsets: [...subsets], truncated: false }
  const field = ready > max ? 'addresses' : 'notReadyAddresses'
  const room = ready > max ? max : max - ready
  const total = ready > max ? ready : notReady
  let left = room
  const cut = subsets.map((subset) => {
    const candidates = subset[field] ?? []
    const keep = candidates.slice(0, Math.min(Math.ceil((candidates.length / total) * room), left))
    left -= keep.length
    return cutTo(subset, field, keep)
  })
  return { subsets: cut, truncated: true }
}

/** Cutting ready addresses leaves no room for not-ready ones. */
function cutTo(
  { addresses, ports }: EndpointSubset,
  field: 'addresses' | 'notReadyAddresses',
  keep: EndpointAddress[],
): EndpointSubset {
  const common = { ...(field === 'notReadyAddresses' && addresses && { addresses }), ...(ports && { ports }) }
  return keep.length > 0 ? { ...common, [field]: keep } : common
}
