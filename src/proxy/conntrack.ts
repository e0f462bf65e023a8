/**
 * Flows the kernel remembers outlive the rules that made them. TCP notices a dead peer; UDP does not: a client that
 * goes on sending from one socket would reach a backend that is gone for ever. Such flows are deleted here.
 */
import type { Exec } from '../lib/exec.ts'
import type { Logger } from '../lib/log.ts'
import type { Family, PortChange, PortPlan } from './plan/types.ts'

/** A remembered UDP flow: where the client sent it, and who answers. */
export interface Flow {
  readonly destination: string
  readonly port: number
  readonly backend: string
  readonly backendPort: number
}

/** Reads `conntrack -L -p udp`: each line has the original tuple and then the reply's. */
export function parseFlows(listing: string): Flow[] {
  return listing.split('\n').flatMap((line) => {
    const tuples = [...line.matchAll(/src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g)]
    const [original, reply] = tuples
    if (!original?.[2] || !reply?.[1]) return []
    return [{ destination: original[2], port: Number(original[4]), backend: reply[1], backendPort: Number(reply[3]) }]
  })
}

/** Flows to a Service's address or node port whose backend the Service no longer has; each kind once. */
export function staleFlows(flows: readonly Flow[], plans: Iterable<PortPlan>): Flow[] {
  const fronts = frontsOf(plans)
  const stale = new Map<string, Flow>()
  for (const flow of flows) {
    const plan = fronts.get(`${flow.destination} ${flow.port}`) ?? nodePortPlan(fronts, flow)
    if (!plan) continue
    const alive = [...plan.cluster, ...plan.local].some((b) => b.ip === flow.backend && b.port === flow.backendPort)
    if (!alive) stale.set(`${flow.destination} ${flow.port} ${flow.backend}`, flow)
  }
  return [...stale.values()]
}

function frontsOf(plans: Iterable<PortPlan>): Map<string, PortPlan> {
  const fronts = new Map<string, PortPlan>()
  for (const plan of plans) {
    if (plan.protocol !== 'udp') continue
    for (const ip of [plan.clusterIp, ...plan.externalIps, ...plan.loadBalancerIps])
      fronts.set(`${ip} ${plan.port}`, plan)
    if (plan.nodePort) fronts.set(`* ${plan.nodePort}`, plan)
  }
  return fronts
}

/** A flow to a node port was translated; one that was not is somebody else's. */
function nodePortPlan(fronts: ReadonlyMap<string, PortPlan>, flow: Flow): PortPlan | undefined {
  return flow.backend === flow.destination ? undefined : fronts.get(`* ${flow.port}`)
}

export class FlowCleaner {
  readonly #exec: Exec
  readonly #log: Logger

  constructor({ exec, log }: { readonly exec: Exec; readonly log: Logger }) {
    this.#exec = exec
    this.#log = log
  }

  /** True when a change may have left stale flows behind. */
  static concerns({ before, after }: PortChange): boolean {
    return (before ?? after)?.protocol === 'udp'
  }

  /** Deletes stale flows to `plans`. Never rejects: a flow that stays is a nuisance, not a reason to stop. */
  async clean(family: Family, plans: Iterable<PortPlan>): Promise<void> {
    const udp = [...plans].filter((plan) => plan.family === family && plan.protocol === 'udp')
    if (udp.length === 0) return
    const name = family === 4 ? 'ipv4' : 'ipv6'
    const listing = await this.#exec('conntrack', ['-L', '-p', 'udp', '-f', name])
    if (listing.code !== 0) {
      this.#log.warn({ output: listing.stderr.trim() }, 'cannot list connections; stale UDP flows may remain')
      return
    }
    for (const flow of staleFlows(parseFlows(listing.stdout), udp)) await this.#delete(name, flow)
  }

  async #delete(family: string, { destination, port, backend }: Flow): Promise<void> {
    const flow = ['--orig-dst', destination, '--orig-port-dst', String(port), '--reply-src', backend]
    // Exit code 1 says that it was gone already.
    const result = await this.#exec('conntrack', ['-D', '-p', 'udp', '-f', family, ...flow])
    if (result.code > 1) this.#log.warn({ flow, output: result.stderr.trim() }, 'cannot delete a stale UDP flow')
  }
}
