/** Which endpoints of a Service port receive traffic on this node: readiness, termination, topology, locality. Pure. */
import type { Backend } from './types.ts'

/** One endpoint as EndpointSlices describe it, defaults applied. */
export interface EndpointState extends Backend {
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  /** Absent: the slice gives no hint. */
  readonly forZones?: readonly string[]
  readonly forNodes?: readonly string[]
}

/** Where the proxy stands. */
export interface Place {
  readonly node: string
  /** Label `topology.kubernetes.io/zone` of the node; '' when unknown. */
  readonly zone: string
}

export interface Choice {
  readonly cluster: readonly Backend[]
  readonly local: readonly Backend[]
  /** Some endpoint, here or elsewhere, could answer. */
  readonly any: boolean
}

/** `wants` says over which sets this port balances at all. */
export function chooseEndpoints(
  endpoints: readonly EndpointState[],
  wants: { readonly cluster: boolean; readonly local: boolean },
  place: Place,
): Choice {
  const usable = ready(endpoints).length > 0 ? ready(endpoints) : lastResort(endpoints)
  const here = endpoints.filter((e) => e.local)
  const usableHere = ready(here).length > 0 ? ready(here) : lastResort(here)
  return {
    cluster: wants.cluster ? backends(nearest(usable, place)) : [],
    local: wants.local ? backends(usableHere) : [],
    any: usable.length > 0,
  }
}

function ready(endpoints: readonly EndpointState[]): readonly EndpointState[] {
  return endpoints.filter((e) => e.ready)
}

/** When nothing is ready, pods that are terminating but still serve are better than nothing (KEP-1669). */
function lastResort(endpoints: readonly EndpointState[]): readonly EndpointState[] {
  return endpoints.filter((e) => e.serving && e.terminating)
}

/** Hints count only when every ready endpoint has them and one is meant for us (KEP-2433, KEP-3015). */
function nearest(endpoints: readonly EndpointState[], { node, zone }: Place): readonly EndpointState[] {
  if (!endpoints.every((e) => e.ready)) return endpoints
  if (endpoints.every((e) => e.forNodes?.length)) {
    const sameNode = endpoints.filter((e) => e.forNodes?.includes(node))
    if (sameNode.length > 0) return sameNode
  }
  if (zone !== '' && endpoints.every((e) => e.forZones?.length)) {
    const sameZone = endpoints.filter((e) => e.forZones?.includes(zone))
    if (sameZone.length > 0) return sameZone
  }
  return endpoints
}

/** Distinct and in a fixed order, so that equal states make equal plans. */
function backends(endpoints: readonly EndpointState[]): readonly Backend[] {
  const distinct = new Map<string, Backend>()
  for (const { ip, port, local } of endpoints) distinct.set(`${ip} ${port}`, { ip, port, local })
  return [...distinct.keys()].sort().map((key) => distinct.get(key) as Backend)
}
