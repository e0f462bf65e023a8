/** Node ports of a Service: which it holds, which it needs. A node port is one number for all protocols. */
import { needsHealthCheckNodePort, needsNodePort, specOf, usesNodePorts } from '../../api/core/service/kind.ts'
import type { Service, ServicePort } from '../../api/generated/v1.ts'
import { invalid, Path } from '../../api/machinery/field.ts'
import { internalError, invalidError, StatusError } from '../../api/machinery/status.ts'
import type { ClusterSettings } from '../../api/resource.ts'
import type { ClaimView } from './claims.ts'

export interface PortPlanOptions {
  readonly view: Pick<ClaimView, 'holder'>
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
  const pool = new PortPool(held, options)
  if (usesNodePorts(service)) {
    if (old) fillInChanged(service, pool)
    else fillInNew(service, pool)
  }
  if (needsHealthCheckNodePort(service)) fillInHealthCheck(service, old, pool)
  const now = heldPorts(service)
  return {
    claims: now.filter((port) => !held.includes(port)),
    releases: held.filter((port) => !now.includes(port)),
  }
}

/** Ports of one number share a node port, whichever of them names it (upstream's initNodePorts). */
function fillInNew(service: Service, pool: PortPool): void {
  const ports = specOf(service).ports ?? []
  const byPort = new Map<number, number>()
  for (const [i, port] of ports.entries()) {
    if (!port.nodePort && !needsNodePort(service)) continue
    const shared = byPort.get(port.port)
    if (shared) {
      if (!port.nodePort) port.nodePort = shared
      else if (port.nodePort !== shared) take(service, pool, i, port.nodePort)
      continue
    }
    const named = port.nodePort || ports.find((one) => one.port === port.port && one.nodePort)?.nodePort
    if (named) take(service, pool, i, named)
    port.nodePort = named ?? pool.next()
    byPort.set(port.port, port.nodePort)
  }
}

/**
 * What it holds it keeps; each port without a node port gets one (upstream's updateNodePorts, which tells of a node port
 * that stands there twice with a plain error).
 */
function fillInChanged(service: Service, pool: PortPool): void {
  const seen = new Set<string>()
  for (const [i, port] of (specOf(service).ports ?? []).entries()) {
    if (!port.nodePort && !needsNodePort(service)) continue
    if (!port.nodePort) port.nodePort = pool.next()
    else if (!pool.isOwn(port.nodePort)) take(service, pool, i, port.nodePort)
    const entry = `{${port.protocol} ${port.nodePort}}`
    if (seen.has(entry)) throw new StatusError({ code: 500, message: `duplicate nodePort: ${entry}` })
    seen.add(entry)
  }
}

function take(service: Service, pool: PortPool, index: number, nodePort: NonNullable<ServicePort['nodePort']>): void {
  const why = pool.take(nodePort)
  if (!why) return
  const error = invalid(Path.of('spec', 'ports').index(index).child('nodePort'), nodePort, why)
  throw invalidError({ group: '', resource: 'Service' }, service.metadata.name, [error])
}

function fillInHealthCheck(service: Service, old: Service | undefined, pool: PortPool): void {
  const spec = specOf(service)
  if (old && needsHealthCheckNodePort(old) && spec.healthCheckNodePort) return
  if (!spec.healthCheckNodePort) {
    spec.healthCheckNodePort = pool.next('HealthCheck NodePort 0')
    return
  }
  const why = pool.take(spec.healthCheckNodePort)
  if (why) throw internalError(`failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: ${why}`)
}

/** The ports free for one Service, while its plan is made. */
class PortPool {
  readonly #held: readonly string[]
  readonly #taken = new Set<number>()
  readonly #options: PortPlanOptions

  constructor(held: readonly string[], options: PortPlanOptions) {
    this.#held = held
    this.#options = options
  }

  /** The Service holds it, or is about to. */
  isOwn(port: number): boolean {
    return this.#held.includes(String(port)) || this.#taken.has(port)
  }

  /** Why the port cannot be had; empty: it is had. */
  take(port: number): string {
    const { from, to } = this.#options.settings.nodePortRange
    if (port < from || port > to) {
      return `provided port is not in the valid range. The range of valid ports is ${from}-${to}`
    }
    if (!this.#isFree(port)) return 'provided port is already allocated'
    this.#taken.add(port)
    return ''
  }

  /** From a random place in the upper band, then in the lower one (KEP-3668). */
  next(what = 'nodePort'): number {
    const { random, settings } = this.#options
    const { from, to } = settings.nodePortRange
    const band = staticBand(to - from + 1)
    const upper = to - from + 1 - band
    const start = Math.floor(random() * upper)
    for (let i = 0; i < upper; i++) {
      const port = from + band + ((start + i) % upper)
      if (this.take(port) === '') return port
    }
    for (let port = from; port < from + band; port++) if (this.take(port) === '') return port
    throw internalError(`failed to allocate a ${what}: range is full`)
  }

  #isFree(port: number): boolean {
    const name = String(port)
    return !this.#taken.has(port) && !this.#held.includes(name) && this.#options.view.holder(name) === undefined
  }
}

/** min(max(16, size/32), 128), and nothing where the range is too small to split. */
function staticBand(size: number): number {
  return size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128)
}
