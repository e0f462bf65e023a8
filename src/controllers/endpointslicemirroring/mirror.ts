/** What must become of the mirrored slices of an Endpoints object. Pure (upstream: pkg/controller/endpointslicemirroring). */
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { EndpointAddress, EndpointSubset, Endpoints } from '../../api/generated/v1.ts'
import { parseIp } from '../../lib/ip.ts'
import { sameJson } from '../endpoints/derived.ts'
import { familyOf } from '../endpoints/pods.ts'
import { triggerTimeAnnotation } from '../endpoints/trigger-time.ts'
import { endpointKey, endpointsEqual, portsKey } from '../endpointslice/endpoint.ts'
import type { Changes } from '../endpointslice/pack.ts'
import { endpointsIn, generateNameOf, managedByLabel, serviceNameLabel } from '../endpointslice/slice.ts'

/** Upstream's --mirroring-max-endpoints-per-subset. */
export const addressesPerSubsetMax = 1000
const mirroringControllerName = 'endpointslicemirroring-controller.k8s.io'

const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** What Go's strconv.ParseBool takes for true. */
const trueTexts: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])

/** Not what its author keeps out of it, nor locks of leader elections. */
export function shouldMirror({ metadata }: Endpoints): boolean {
  const { labels, annotations } = metadata
  return !trueTexts.has(labels?.[skipMirrorLabel] ?? '') && annotations?.[leaderAnnotation] === undefined
}

export function isMirrored({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[managedByLabel] === mirroringControllerName
}

export interface MirrorPlan extends Changes {
  /** Addresses that are no IP addresses. */
  readonly invalid: number
  /** Addresses left out: invalid ones and those above the limit. */
  readonly skipped: number
}

/** One slice for each family and set of ports. */
interface Wanted {
  readonly addressType: string
  readonly ports: EndpointPort[]
  readonly endpoints: Map<string, Endpoint>
}

export function mirror(
  endpoints: Endpoints,
  existing: readonly EndpointSlice[],
  max = addressesPerSubsetMax,
): MirrorPlan {
  const { wanted, invalid, skipped } = wantedOf(endpoints, max)
  const left = Map.groupBy(existing, sliceId)
  const create: EndpointSlice[] = []
  const update: EndpointSlice[] = []
  const remove: EndpointSlice[] = []
  for (const [id, group] of wanted) {
    const [first, ...others] = left.get(id) ?? []
    left.delete(id)
    remove.push(...others)
    if (!first) create.push(sliceOf(endpoints, group))
    else if (!isMirror(first, endpoints, group)) update.push(replaced(first, sliceOf(endpoints, group)))
  }
  for (const slices of left.values()) remove.push(...slices)
  return { ...recycled({ create, update, delete: remove }), invalid, skipped }
}

function wantedOf({ subsets }: Endpoints, max: number) {
  const wanted = new Map<string, Wanted>()
  let invalid = 0
  let skipped = 0
  for (const subset of subsets ?? []) {
    const ports = portsOf(subset)
    let added = 0
    for (const { address, ready } of addressesOf(subset)) {
      if (added >= max) break
      if (!parseIp(address.ip)) invalid++
      else {
        add(wanted, { addressType: familyOf(address.ip), ports }, endpointOf(address, ready))
        added++
      }
    }
    skipped += (subset.addresses?.length ?? 0) + (subset.notReadyAddresses?.length ?? 0) - added
  }
  return { wanted, invalid, skipped }
}

function* addressesOf({ addresses, notReadyAddresses }: EndpointSubset) {
  for (const address of addresses ?? []) yield { address, ready: true }
  for (const address of notReadyAddresses ?? []) yield { address, ready: false }
}

function add(
  wanted: Map<string, Wanted>,
  { addressType, ports }: Pick<Wanted, 'addressType' | 'ports'>,
  endpoint: Endpoint,
): void {
  const id = sliceId({ addressType, ports })
  let group = wanted.get(id)
  if (!group) wanted.set(id, (group = { addressType, ports, endpoints: new Map() }))
  group.endpoints.set(endpointKey(endpoint), endpoint)
}

function portsOf({ ports }: EndpointSubset): EndpointPort[] {
  return (ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol && { appProtocol }),
  }))
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(targetRef && { targetRef }),
    ...(nodeName && { nodeName }),
  }
}

function sliceId({ addressType, ports }: Pick<EndpointSlice, 'addressType' | 'ports'>): string {
  return `${addressType} ${portsKey(ports)}`
}

/** Whether an existing slice says all that the Endpoints object says. */
function isMirror(slice: EndpointSlice, endpoints: Endpoints, { endpoints: wanted }: Wanted): boolean {
  const { labels, annotations } = sliceMetadata(endpoints)
  const present = endpointsIn(slice)
  return (
    present.length === wanted.size &&
    present.every((endpoint) => {
      const same = wanted.get(endpointKey(endpoint))
      return same !== undefined && endpointsEqual(same, endpoint)
    }) &&
    sameJson(slice.metadata.labels ?? {}, labels) &&
    sameJson(slice.metadata.annotations ?? {}, annotations)
  )
}

function sliceOf(endpoints: Endpoints, { addressType, ports, endpoints: wanted }: Wanted): EndpointSlice {
  return { metadata: sliceMetadata(endpoints), addressType, ports, endpoints: [...wanted.values()] }
}

/** Labels and annotations are the author's, but for those that say what a slice is. */
function sliceMetadata({ metadata }: Endpoints) {
  const { name, namespace, uid = '' } = metadata
  const {
    [triggerTimeAnnotation]: _time,
    [lastAppliedAnnotation]: _applied,
    ...annotations
  } = metadata.annotations ?? {}
  return {
    name: '',
    generateName: generateNameOf(name),
    ...(namespace && { namespace }),
    labels: { ...metadata.labels, [serviceNameLabel]: name, [managedByLabel]: mirroringControllerName },
    annotations,
    ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name, uid, controller: true, blockOwnerDeletion: true }],
  }
}

function replaced(old: EndpointSlice, slice: EndpointSlice): EndpointSlice {
  const { labels, annotations, ownerReferences } = slice.metadata
  return {
    ...slice,
    metadata: {
      ...old.metadata,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(ownerReferences && { ownerReferences }),
    },
  }
}

/** A slice to create and one of its family to delete are one to update. */
function recycled({ create, update, delete: remove }: Changes): Changes {
  const free = [...remove]
  const updates = [...update]
  const creates = create.filter((slice) => {
    const i = free.findIndex((old) => old.addressType === slice.addressType)
    const [old] = i < 0 ? [] : free.splice(i, 1)
    if (old) updates.push(replaced(old, slice))
    return !old
  })
  return { create: creates, update: updates, delete: free }
}
