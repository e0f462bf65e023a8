/** Node ports of a Service: which it holds, which it needs. A node port is one number for all protocols. */
import type { Service, ServicePort } from '../../api/generated/v1.ts'
import { needsHealthCheckNodePort, needsNodePort, specOf } from '../../api/core/service/kind.ts'
import { Path, invalid } from '../../api/machinery/field.ts'
import { internalError, invalidError } from '../../api/machinery/status.ts'
import type { ClusterSettings } from '../../api/resource.ts'
import type { ClaimView } from './claims.ts'

export interface PortPlanOptions {
  readonly view: Pick<ClaimView, 'has'>
  readonly settings: Pick<ClusterSettings, 'nodePortRange'>
  /** In [0, 1). */
  readonly random: () => number
}

export function heldPorts(service: Service): string[] {
  const spec = specOf(service)
  const ports = (spec.ports ?? []).map((port) => port.nodePort ?? 0)
  return [...new Set([...ports, spec.healthCheckNodePort ?? 0])].filter((port) => port > 0).map(String)
}

/** Fills in missing node ports of `service`; returns what it must claim and may give back. */
export function planPorts(
  service: Service,
  old: Service | undefined,
  options: PortPlanOptions,
): { claims: string[]; releases: string[] } {
  const held = old ? heldPorts(old) : []
  const spec = specOf(service)
  const claimed = new Set<string>()
  const taken = (port: string) => claimed.has(port) || options.view.has(port)
  for (const [i, port] of (spec.ports ?? []).entries()) {
    // TCP and UDP on one service port share the node port.
    const sibling = spec.ports?.slice(0, i).find((earlier) => earlier.port === port.port && earlier.nodePort)
    fillIn(service, port, i, { held, claimed, taken, sibling, options })
  }
  if (needsHealthCheckNodePort(service)) {
    const wanted = String(spec.healthCheckNodePort || pick(held, taken, options))
    if (!held.includes(wanted) && taken(wanted)) {
      throw internalError(
        `failed to allocate requested HealthCheck NodePort ${wanted}: provided port is already allocated`,
      )
    }
    spec.healthCheckNodePort = Number(wanted)
    claimed.add(wanted)
  }
  const now = heldPorts(service)
  return {
    claims: now.filter((port) => !held.includes(port)),
    releases: held.filter((port) => !now.includes(port)),
  }
}

interface PortState {
  readonly held: readonly string[]
  readonly claimed: Set<string>
  readonly taken: (port: string) => boolean
  readonly sibling: ServicePort | undefined
  readonly options: PortPlanOptions
}

function fillIn(service: Service, port: ServicePort, index: number, state: PortState): void {
  const { held, claimed, taken, sibling, options } = state
  if (!port.nodePort) {
    if (!needsNodePort(service)) return
    const shared = sibling && sibling.protocol !== port.protocol ? sibling.nodePort : undefined
    port.nodePort = shared ?? Number(pick(held, taken, options))
  } else if (!held.includes(String(port.nodePort)) && !claimed.has(String(port.nodePort))) {
    const why = refusal(port.nodePort, options)
    if (why) {
      const error = invalid(Path.of('spec', 'ports').index(index).child('nodePort'), port.nodePort, why)
      throw invalidError({ group: '', resource: 'Service' }, service.metadata.name, [error])
    }
  }
  claimed.add(String(port.nodePort))
}

function refusal(port: number, { view, settings }: PortPlanOptions): string {
  const { from, to } = settings.nodePortRange
  if (port < from || port > to) {
    return `provided port is not in the valid range. The range of valid ports is ${from}-${to}`
  }
  return view.has(String(port)) ? 'provided port is already allocated' : ''
}

/** From a random place in the upper band, then in the lower one (KEP-3668). */
function pick(held: readonly string[], taken: (port: string) => boolean, options: PortPlanOptions): string {
  const { from, to } = options.settings.nodePortRange
  const size = to - from + 1
  const band = size <= 32 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128)
  const free = (port: number) => !taken(String(port)) && !held.includes(String(port))
  const upper = size - band
  const start = Math.floor(options.random() * upper)
  for (let i = 0; i < upper; i++) {
    const port = from + band + ((start + i) % upper)
    if (free(port)) return String(port)
  }
  for (let port = from; port < from + band; port++) if (free(port)) return String(port)
  throw internalError('failed to allocate a nodePort: range is full')
}
