/** What must become of a Service's EndpointSlices. Pure (upstream: k8s.io/endpointslice/reconciler.go). */
import type { EndpointPort, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Pod, Service } from '../../api/generated/v1.ts'
import { type AddressFamily, serviceFamilies } from '../endpoints/pods.ts'
import { triggerTimeAnnotation } from '../endpoints/trigger-time.ts'
import { type PodEndpoint, podEndpoints, portsKey } from './endpoint.ts'
import { hasTopologyMode } from './hints.ts'
import { type Changes, pack } from './pack.ts'
import { endpointsIn, hasLabels, isOwnedBy, labelsOf, newSlice } from './slice.ts'
import { addTopologyHints, type ZoneCounts, type ZoneShares } from './topology.ts'

export interface SlicesInput {
  readonly service: Service
  /** Pods the Service selects. */
  readonly pods: readonly Pod[]
  readonly node: (name: string) => Node | undefined
  /** The Service's slices that this controller manages. */
  readonly existing: readonly EndpointSlice[]
  readonly triggerTime: string | undefined
  /** For Services that ask for hints by zones. */
  readonly zones?: ZoneShares
  /** Whether this Service's endpoints were hinted by zones until now. */
  readonly wasHinted?: boolean
  readonly max?: number
}

export interface SlicesPlan extends Changes {
  /** Pods left out because their node is unknown; look again when it appears. */
  readonly skipped: readonly string[]
  /** Endpoints hinted to each zone, of each family that got hints by zones. */
  readonly hinted: ReadonlyMap<AddressFamily, ZoneCounts>
  /** What the user should know about hints by zones. */
  readonly events: readonly HintsEvent[]
}

export interface HintsEvent {
  readonly type: 'Normal' | 'Warning'
  readonly reason: 'TopologyAwareHintsEnabled' | 'TopologyAwareHintsDisabled'
  readonly message: string
}

interface Tally {
  readonly skipped: Set<string>
  readonly hinted: Map<AddressFamily, ZoneCounts>
  readonly events: HintsEvent[]
}

export function reconcileSlices(input: SlicesInput): SlicesPlan {
  const families = serviceFamilies(input.service)
  const total = { create: [], update: [], delete: [] } as { [K in keyof Changes]: EndpointSlice[] }
  const tally: Tally = { skipped: new Set(), hinted: new Map(), events: [] }
  total.delete.push(...input.existing.filter((slice) => !families.includes(slice.addressType as AddressFamily)))
  for (const family of families) {
    const changes = reconcileFamily(input, family, tally)
    total.create.push(...changes.create)
    total.update.push(...changes.update)
    total.delete.push(...changes.delete)
  }
  const { create, update, delete: remove } = reuse(total, input.service)
  const stamp = (slice: EndpointSlice) => stamped(slice, input.triggerTime)
  const { skipped, hinted, events } = tally
  return { create: create.map(stamp), update: update.map(stamp), delete: remove, skipped: [...skipped], hinted, events }
}

function reconcileFamily(input: SlicesInput, family: AddressFamily, tally: Tally): Changes {
  const { service, max } = input
  const compareHints = !hasTopologyMode(service)
  const ofFamily = input.existing.filter((slice) => slice.addressType === family)
  const owned = ofFamily.filter((slice) => isOwnedBy(slice, service))
  const existing = Map.groupBy(owned, ({ ports }) => portsKey(ports))
  const create: EndpointSlice[] = []
  const update: EndpointSlice[] = []
  const remove = ofFamily.filter((slice) => !isOwnedBy(slice, service))
  const groups = wantedByPorts(input, family, tally.skipped)
  for (const [key, { ports, wanted }] of groups) {
    const group = { service, family, ports, wanted, existing: existing.get(key) ?? [], compareHints }
    const changes = pack({ ...group, ...(max && { max }) })
    create.push(...changes.create)
    update.push(...changes.update)
    remove.push(...changes.delete)
  }
  for (const [key, slices] of existing) if (!groups.has(key)) remove.push(...slices)
  const changes = withPlaceholder({ create, update, delete: remove }, { service, family, existing: ofFamily })
  return withZoneHints(changes, { input, family, existing: ofFamily, tally })
}

function wantedByPorts({ service, pods, node }: SlicesInput, family: AddressFamily, skipped: Set<string>) {
  const groups = new Map<string, { ports: EndpointPort[]; wanted: PodEndpoint[] }>()
  const endpointOf = podEndpoints(service, family)
  for (const pod of pods) {
    const nodeName = pod.spec?.nodeName
    const onNode = nodeName ? node(nodeName) : undefined
    const wanted = endpointOf(pod, onNode)
    if (!wanted) continue
    if (!onNode && service.spec?.publishNotReadyAddresses !== true) {
      skipped.add(pod.metadata.name)
      continue
    }
    const group = groups.get(wanted.portsKey)
    if (group) group.wanted.push(wanted)
    else groups.set(wanted.portsKey, { ports: wanted.ports, wanted: [wanted] })
  }
  return groups
}

interface FamilyContext {
  readonly input: SlicesInput
  readonly family: AddressFamily
  readonly existing: readonly EndpointSlice[]
  readonly tally: Tally
}

/** Hints by zones where the Service asks for them, and what the user is told about them. */
function withZoneHints(changes: Changes, { input, family, existing, tally }: FamilyContext): Changes {
  const disabled = (why: string) =>
    tally.events.push({
      type: 'Warning',
      reason: 'TopologyAwareHintsDisabled',
      message: `${why}, addressType: ${family}`,
    })
  if (!hasTopologyMode(input.service)) {
    if (input.wasHinted) disabled('Topology Aware Hints has been disabled')
    return changes
  }
  const touched = new Set([...changes.update, ...changes.delete].map(({ metadata }) => metadata.name))
  const unchanged = existing.filter(({ metadata }) => !touched.has(metadata.name))
  const result = addTopologyHints({ changing: [...changes.create, ...changes.update], unchanged }, input.zones)
  if (result.type === 'impossible') disabled(result.reason)
  else {
    if (!input.wasHinted && tally.hinted.size === 0) {
      const message = `Topology Aware Hints has been enabled, addressType: ${family}`
      tally.events.push({ type: 'Normal', reason: 'TopologyAwareHintsEnabled', message })
    }
    tally.hinted.set(family, result.counts)
  }
  return { ...changes, update: [...changes.update, ...result.toUpdate] }
}

/** A Service without endpoints keeps one empty slice without ports, so that it is seen to have none. */
function withPlaceholder(
  changes: Changes,
  { service, family, existing }: { service: Service; family: AddressFamily; existing: readonly EndpointSlice[] },
): Changes {
  if (changes.create.length > 0 || existing.length > changes.delete.length) return changes
  const placeholder = changes.delete.find(
    (slice) => endpointsIn(slice).length === 0 && !slice.ports?.length && isOwnedBy(slice, service),
  )
  if (placeholder && hasLabels(placeholder, labelsOf(service))) {
    return { ...changes, delete: changes.delete.filter((slice) => slice !== placeholder) }
  }
  return { ...changes, create: [newSlice(service, { family, ports: [] })] }
}

/** A slice to create and one to delete are one to update: fewer writes, and watchers never see a gap. */
function reuse({ create, update, delete: remove }: Changes, service: Service): Changes {
  const free = [...remove]
  const stillToCreate = create.filter((slice) => {
    const i = free.findLastIndex((old) => old.addressType === slice.addressType && isOwnedBy(old, service))
    const [old] = i < 0 ? [] : free.splice(i, 1)
    if (!old) return true
    update.push({ ...slice, metadata: { ...old.metadata, labels: labelsOf(service) } })
    return false
  })
  return { create: stillToCreate, update, delete: free }
}

function stamped(slice: EndpointSlice, time: string | undefined): EndpointSlice {
  const { annotations: before, ...metadata } = slice.metadata
  const { [triggerTimeAnnotation]: _old, ...kept } = before ?? {}
  const annotations = { ...kept, ...(time && { [triggerTimeAnnotation]: time }) }
  return { ...slice, metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) } }
}
