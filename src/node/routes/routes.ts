/** Which way the pods of each node are. Pure. */
import type { Node } from '../../api/generated/v1.ts'

/** Range of pod addresses → address of the node that has them. */
export type PodRoutes = ReadonlyMap<string, string>

const familyOf = (text: string) => (text.includes(':') ? 6 : 4)

/** Every node's ranges by its InternalIP of the same family; `self` reaches its own pods without. */
export function podRoutes(nodes: readonly Node[], self?: string): PodRoutes {
  const routes = new Map<string, string>()
  for (const { metadata, spec, status } of nodes) {
    if (metadata.name === self) continue
    for (const cidr of spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])) {
      const via = status?.addresses?.find(
        ({ type, address }) => type === 'InternalIP' && familyOf(address) === familyOf(cidr),
      )
      if (via) routes.set(cidr, via.address)
    }
  }
  return routes
}

/** Our routes carry this protocol number, so that a next process finds what a former one made (rtnetlink(7)). */
export const routeProtocol = 102

/** Lines for `ip -batch` that make `wanted` of `found`. */
export function routeBatch(found: PodRoutes, wanted: PodRoutes): string[] {
  const gone = [...found.keys()].filter((cidr) => !wanted.has(cidr))
  const changed = [...wanted].filter(([cidr, via]) => found.get(cidr) !== via)
  return [
    ...gone.map((cidr) => `route del ${cidr} proto ${routeProtocol}`),
    ...changed.map(([cidr, via]) => `route replace ${cidr} via ${via} proto ${routeProtocol}`),
  ]
}
