/**
 * Puts wanted endpoints into slices so that few slices change: endpoints stay where they are, newcomers go first into
 * slices that change anyway, then into one slice with room, and only then into new ones. Pure.
 */
import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Service } from '../../api/generated/v1.ts'
import type { AddressFamily } from '../endpoints/pods.ts'
import { endpointKeys, endpointsEqual, type PodEndpoint } from './endpoint.ts'
import { sameHints } from './hints.ts'
import { endpointsIn, hasLabels, labelsOf, newSlice } from './slice.ts'

/** Upstream's --max-endpoints-per-slice. */
const endpointsPerSliceMax = 100

export interface Changes {
  readonly create: EndpointSlice[]
  readonly update: EndpointSlice[]
  readonly delete: EndpointSlice[]
}

/** One group: the endpoints with the same ports, and the slices that have these ports now. */
export interface Group {
  readonly service: Service
  readonly family: AddressFamily
  readonly ports: EndpointPort[]
  readonly wanted: readonly PodEndpoint[]
  readonly existing: readonly EndpointSlice[]
  /** Whether other hints are a difference; otherwise somebody else cares for them. */
  readonly compareHints: boolean
  readonly max?: number
}

export function pack(group: Group): Changes {
  const { max = endpointsPerSliceMax } = group
  const missing = new Map(group.wanted.map(({ key, endpoint }) => [key, endpoint]))
  const { unchanged, changed, empty } = retain(group, missing)
  const rest = [...missing.values()].sort(byName)
  // The fullest first, so that slices become full rather than many.
  for (const slice of changed.sort((a, b) => endpointsIn(b).length - endpointsIn(a).length)) fill(slice, rest, max)
  const create: EndpointSlice[] = []
  while (rest.length > 0) {
    const fit = rest.length < max ? closestFit(unchanged, rest.length, max) : undefined
    if (fit) unchanged.splice(unchanged.indexOf(fit), 1)
    const slice = fit ? { ...fit, endpoints: [...endpointsIn(fit)] } : newSlice(group.service, group)
    fill(slice, rest, max)
    ;(fit ? changed : create).push(slice)
  }
  return { create, update: changed, delete: empty }
}

/** Step 1: what of each existing slice stays. Takes what it places out of `missing`. */
function retain({ service, existing, compareHints }: Group, missing: Map<string, Endpoint>) {
  const labels = labelsOf(service)
  const unchanged: EndpointSlice[] = []
  const changed: EndpointSlice[] = []
  const empty: EndpointSlice[] = []
  for (const slice of existing) {
    const keys = endpointKeys(slice)
    let differs = !hasLabels(slice, labels)
    const endpoints: Endpoint[] = []
    for (const [i, before] of endpointsIn(slice).entries()) {
      const key = keys[i] ?? ''
      const wanted = missing.get(key)
      if (!wanted || !endpointsEqual(wanted, before) || (compareHints && !sameHints(wanted, before))) differs = true
      if (!wanted) continue
      missing.delete(key)
      endpoints.push(wanted)
    }
    if (endpoints.length === 0 && keys.length > 0) empty.push(slice)
    else if (differs) changed.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints })
    else unchanged.push(slice)
  }
  return { unchanged, changed, empty }
}

/** Newcomers come in the order of their pods' names, so that equal input gives equal output. */
function byName(a: Endpoint, b: Endpoint): number {
  return (a.targetRef?.name ?? '') < (b.targetRef?.name ?? '') ? -1 : 1
}

function fill(slice: EndpointSlice, rest: Endpoint[], max: number): void {
  const endpoints = endpointsIn(slice)
  slice.endpoints = [...endpoints, ...rest.splice(0, Math.max(0, max - endpoints.length))]
}

/** The slice that is fullest after taking `count` more. */
function closestFit(slices: readonly EndpointSlice[], count: number, max: number): EndpointSlice | undefined {
  const room = (slice: EndpointSlice) => max - endpointsIn(slice).length - count
  return slices.filter((slice) => room(slice) >= 0).sort((a, b) => room(a) - room(b))[0]
}
