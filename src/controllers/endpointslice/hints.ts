/**
 * Which hints a Service asks for. `trafficDistribution` is a property of each endpoint alone (KEP-3015); the older
 * annotation shares endpoints out over zones by their CPUs (./topology.ts, KEP-2433) and has precedence. Pure.
 */
import type { Endpoint, EndpointHints } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Service } from '../../api/generated/v1.ts'
import { sameJson } from '../endpoints/derived.ts'

const topologyModeAnnotation = 'service.kubernetes.io/topology-mode'
const deprecatedHintsAnnotation = 'service.kubernetes.io/topology-aware-hints'

/** Values of trafficDistribution that keep traffic in the zone; the last one on the node, too. */
const close: ReadonlySet<string> = new Set(['PreferClose', 'PreferSameZone', 'PreferSameNode'])

export function hasTopologyMode({ metadata }: Service): boolean {
  const { annotations } = metadata
  const value = annotations?.[deprecatedHintsAnnotation] ?? annotations?.[topologyModeAnnotation]
  return value === 'Auto' || value === 'auto'
}

/** What `trafficDistribution` says of a ready endpoint here. */
export function distributionHints(
  service: Service,
  { zone, nodeName }: { zone: string | undefined; nodeName: string | undefined },
): EndpointHints | undefined {
  const distribution = service.spec?.trafficDistribution
  if (!distribution || !close.has(distribution) || hasTopologyMode(service)) return undefined
  const onNode = distribution === 'PreferSameNode' ? nodeName : undefined
  if (!zone && !onNode) return undefined
  return { ...(zone && { forZones: [{ name: zone }] }), ...(onNode && { forNodes: [{ name: onNode }] }) }
}

export function sameHints(a: Endpoint, b: Endpoint): boolean {
  return sameJson(hintsOf(a), hintsOf(b))
}

/** Written by others, an empty hint is none. */
function hintsOf({ hints }: Endpoint): EndpointHints {
  const { forZones, forNodes } = hints ?? {}
  return { ...(forZones?.length && { forZones }), ...(forNodes?.length && { forNodes }) }
}
