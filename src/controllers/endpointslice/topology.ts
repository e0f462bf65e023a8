/**
 * Hints by zones for Services with the annotation service.kubernetes.io/topology-mode: Auto (KEP-2433): each zone gets
 * endpoints in proportion to its nodes' CPUs, from its own where it has them. Where that cannot be done without loading
 * some endpoint a fifth more than its share, there are no hints and an Event says why.
 */

import type { Endpoint, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node } from '../../api/generated/v1.ts'
import { quantityMilliValue } from '../../api/machinery/quantity.ts'
import type { AddressFamily } from '../endpoints/pods.ts'
import { endpointsIn } from './slice.ts'

/** The most that an endpoint may be loaded above its share. */
const overloadMax = 0.2
const zoneLabel = 'topology.kubernetes.io/zone'
const controlPlaneLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

/** Each zone's share of the cluster's CPUs; undefined when the nodes do not tell. */
export type ZoneShares = ReadonlyMap<string, number> | undefined

/** How many endpoints are hinted to each zone. */
export type ZoneCounts = ReadonlyMap<string, number>

export function zoneShares(nodes: readonly Node[]): ZoneShares {
  const cpus = new Map<string, number>()
  let total = 0
  for (const node of nodes) {
    const { labels = {} } = node.metadata
    if (controlPlaneLabels.some((label) => label in labels) || !isReady(node)) continue
    const zone = labels[zoneLabel]
    const cpu = quantityMilliValue(node.status?.allocatable?.['cpu'] ?? '0')
    if (!zone || cpu === 0) return undefined
    cpus.set(zone, (cpus.get(zone) ?? 0) + cpu)
    total += cpu
  }
  return cpus.size < 2 ? undefined : new Map([...cpus].map(([zone, cpu]) => [zone, cpu / total]))
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
}

/** A family's slices after packing. `changing` are ours to alter, `unchanged` are the cache's. */
export interface PackedSlices {
  readonly changing: readonly EndpointSlice[]
  readonly unchanged: readonly EndpointSlice[]
}

export type TopologyHints =
  | { readonly type: 'hinted'; readonly counts: ZoneCounts; readonly toUpdate: EndpointSlice[] }
  | { readonly type: 'impossible'; readonly reason: string; readonly toUpdate: EndpointSlice[] }

/** Sets the hints of `changing` in place; `toUpdate` are changed copies of unchanged ones. */
export function addTopologyHints(slices: PackedSlices, shares: ZoneShares): TopologyHints {
  const ready = [...slices.changing, ...slices.unchanged].flatMap((slice) => endpointsIn(slice).filter(isReadyEndpoint))
  const allocations = allocate(shares, ready.length)
  if (typeof allocations === 'string') return impossible(slices, allocations)
  const counts = new Map<string, number>()
  const toUpdate: EndpointSlice[] = []
  for (const slice of slices.unchanged) {
    const hinted = hintedZones(slice, counts, allocations)
    if (hinted) for (const [zone, count] of hinted) add(counts, zone, count)
    else toUpdate.push(withoutHints(slice))
  }
  const endpoints = [...slices.changing, ...toUpdate].flatMap((slice) => {
    slice.endpoints = endpointsIn(slice).map(unhinted)
    return slice.endpoints.filter(isReadyEndpoint)
  })
  if (endpoints.some(({ zone }) => !zone))
    return impossible(slices, 'One or more endpoints do not have a zone specified')
  for (const endpoint of endpoints) {
    add(counts, endpoint.zone ?? '')
    hintTo(endpoint, endpoint.zone ?? '')
  }
  redistribute(endpoints, transfers(allocations, counts), counts)
  if (counts.size === 0) return impossible(slices, 'No hints allocated for zones')
  return { type: 'hinted', counts, toUpdate }
}

/** No hints at all, on slices that change anyway and on those that have any. */
function impossible({ changing, unchanged }: PackedSlices, reason: string): TopologyHints {
  for (const slice of changing) slice.endpoints = endpointsIn(slice).map(unhinted)
  const hinted = unchanged.filter((slice) => endpointsIn(slice).some(({ hints }) => hints))
  return { type: 'impossible', reason, toUpdate: hinted.map(withoutHints) }
}

function withoutHints(slice: EndpointSlice): EndpointSlice {
  return { ...slice, endpoints: endpointsIn(slice).map(unhinted) }
}

function unhinted(endpoint: Endpoint): Endpoint {
  const { hints: _hints, ...rest } = endpoint
  return rest
}

interface Allocation {
  readonly minimum: number
  readonly maximum: number
  readonly desired: number
}

/** What each zone must get of `count` endpoints, or why it cannot be shared out. */
function allocate(shares: ZoneShares, count: number): Map<string, Allocation> | string {
  if (!shares) return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
  const numbers = `(${count} endpoints, ${shares.size} zones)`
  if (shares.size > count) return `Insufficient number of endpoints ${numbers}`
  const minimums = [...shares].map(([zone, share]) => {
    const desired = share * count
    const minimum = Math.ceil(desired / (1 + overloadMax))
    return { zone, minimum, desired: Math.max(desired, minimum) }
  })
  const total = minimums.reduce((sum, { minimum }) => sum + minimum, 0)
  if (total > count)
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`
  return new Map(
    minimums.map(({ zone, minimum, desired }) => [zone, { minimum, desired, maximum: minimum + count - total }]),
  )
}

/** The zones an unchanged slice hints to; undefined when it cannot stay as it is. */
function hintedZones(
  slice: EndpointSlice,
  counts: ZoneCounts,
  allocations: ReadonlyMap<string, Allocation>,
): ZoneCounts | undefined {
  const hinted = new Map<string, number>()
  for (const endpoint of endpointsIn(slice)) {
    if (!isReadyEndpoint(endpoint)) continue
    const zones = endpoint.hints?.forZones ?? []
    if (zones.length === 0 || zones.some(({ name }) => !allocations.has(name))) return undefined
    for (const { name } of zones) add(hinted, name)
  }
  for (const [zone, count] of hinted)
    if (count + (counts.get(zone) ?? 0) > (allocations.get(zone)?.maximum ?? 0)) return undefined
  return hinted
}

interface Transfers {
  readonly give: Map<string, number>
  readonly receive: Map<string, number>
}

/** How many endpoints zones with too many give to zones with too few. */
function transfers(allocations: ReadonlyMap<string, Allocation>, counts: ZoneCounts): Transfers {
  const surplus = new Map<string, number>()
  const lack = new Map<string, number>()
  for (const [zone, { desired }] of allocations) {
    const difference = (counts.get(zone) ?? 0) - desired
    if (difference > 0) surplus.set(zone, difference)
    else if (difference < 0) lack.set(zone, -difference)
  }
  const give = new Map<string, number>()
  const receive = new Map<string, number>()
  for (;;) {
    const [from, giving] = most(surplus)
    const [to, receiving] = most(lack)
    if (giving < 0.5 || receiving < 0.5 || (giving < 1 && receiving < 1)) return { give, receive }
    add(give, from)
    add(surplus, from, -1)
    add(receive, to)
    add(lack, to, -1)
  }
}

function most(zones: ZoneCounts): [string, number] {
  let best: [string, number] = ['', 0]
  for (const [zone, number] of zones) if (number > best[1]) best = [zone, number]
  return best
}

function redistribute(endpoints: readonly Endpoint[], { give, receive }: Transfers, counts: Map<string, number>): void {
  for (const endpoint of endpoints) {
    const from = endpoint.zone ?? ''
    const [to] = most(receive)
    if (to === '') return
    if ((give.get(from) ?? 0) === 0) continue
    hintTo(endpoint, to)
    add(give, from, -1)
    add(receive, to, -1)
    add(counts, from, -1)
    add(counts, to)
  }
}

function hintTo(endpoint: Endpoint, zone: string): void {
  endpoint.hints = { forZones: [{ name: zone }] }
}

/** Whether some zone has fewer endpoints than it must have, by what was hinted last. */
function isOverloaded(counts: ZoneCounts, shares: ZoneShares): boolean {
  if (counts.size === 0) return false
  if (!shares) return true
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return [...shares].some(([zone, share]) => (counts.get(zone) ?? -1) < Math.ceil((total * share) / (1 + overloadMax)))
}

/** What was hinted last, by Service and family: says when a change of the nodes concerns a Service. */
export class HintedServices {
  readonly #counts = new Map<string, Map<AddressFamily, ZoneCounts>>()

  has(key: string): boolean {
    return this.#counts.has(key)
  }

  set(key: string, family: AddressFamily, counts: ZoneCounts): void {
    const ofService = this.#counts.get(key) ?? new Map<AddressFamily, ZoneCounts>()
    this.#counts.set(key, ofService.set(family, counts))
  }

  remove(key: string, family?: AddressFamily): void {
    const ofService = this.#counts.get(key)
    if (family) ofService?.delete(family)
    if (!family || ofService?.size === 0) this.#counts.delete(key)
  }

  overloaded(sharesNow: () => ZoneShares): string[] {
    if (this.#counts.size === 0) return []
    const shares = sharesNow()
    return [...this.#counts]
      .filter(([, families]) => [...families.values()].some((counts) => isOverloaded(counts, shares)))
      .map(([key]) => key)
  }
}

function isReadyEndpoint({ conditions }: Endpoint): boolean {
  return conditions?.ready === true
}

function add(counts: Map<string, number>, zone: string, count = 1): void {
  counts.set(zone, (counts.get(zone) ?? 0) + count)
}
