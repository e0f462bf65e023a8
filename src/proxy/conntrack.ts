/**
 * Flows the kernel remembers outlive the rules that made them. TCP notices a dead peer; UDP does not: a client that
 * goes on sending from one socket would reach a backend that is gone for ever. Such flows are deleted here.
 */
import type { Exec } from '../lib/exec.ts'
import type { Logger } from '../lib/log.ts'
import { type Backend, backendAddress, type Family, type PortChange, type PortPlan } from './plan/types.ts'

/** A remembered UDP flow: where the client sent it, and who answers. */
export interface Flow {
  readonly destination: string
  readonly port: number
  readonly backend: Pick<Backend, 'ip' | 'port'>
  /** Only the client has sent so far. */
  readonly unreplied: boolean
}

/** Reads `conntrack -L -p udp`: each line has the original tuple and then the reply's. */
export function parseFlows(listing: string): Flow[] {
  return listing.split('\n').flatMap((line) => {
    const [original, reply] = [...line.matchAll(/src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g)]
    if (!original?.[2] || !reply?.[1]) return []
    const backend = { ip: reply[1], port: Number(reply[3]) }
    return [{ destination: original[2], port: Number(original[4]), backend, unreplied: line.includes('[UNREPLIED]') }]
  })
}

/**
 * Flows to a Service's address or node port that no serving endpoint of it answers; each kind once. Policies, hints and
 * termination do not end a flow, as they do not end a TCP connection. `former` are plans that changed or went: flows to
 * addresses and node ports nobody has any more are stale, too.
 */
export function staleFlows(flows: readonly Flow[], plans: Iterable<PortPlan>, former: Iterable<PortPlan> = []): Flow[] {
  const serving = new Map<string, ReadonlySet<string>>()
  for (const plan of former) for (const front of frontsOf(plan)) serving.set(front, new Set())
  for (const plan of plans) for (const front of frontsOf(plan)) serving.set(front, new Set(plan.serving))
  const stale = new Map<string, Flow>()
  for (const flow of flows) {
    const backend = backendAddress(flow.backend)
    const known = serving.get(`${flow.destination} ${flow.port}`) ?? behindNodePort(serving, flow)
    if (known && !known.has(backend)) stale.set(`${flow.destination} ${flow.port} ${backend}`, flow)
  }
  return [...stale.values()]
}

function frontsOf(plan: PortPlan): string[] {
  if (plan.protocol !== 'udp') return []
  const ips = [plan.clusterIp, ...plan.externalIps, ...plan.loadBalancerIps]
  const fronts = ips.map((ip) => `${ip} ${plan.port}`)
  return plan.nodePort ? [...fronts, `* ${plan.nodePort}`] : fronts
}

/** A flow to that port that was answered untranslated is somebody else's. */
function behindNodePort(
  serving: ReadonlyMap<string, ReadonlySet<string>>,
  { destination, port, backend, unreplied }: Flow,
): ReadonlySet<string> | undefined {
  return backend.ip === destination && !unreplied ? undefined : serving.get(`* ${port}`)
}

/** One look at the remembered flows. */
export interface FlowCleaning {
  readonly family: Family
  readonly seconds: number
  readonly deleted: number
}

export interface FlowCleanerOptions {
  readonly exec: Exec
  readonly log: Logger
  readonly cleaned?: (cleaning: FlowCleaning) => void
}

export class FlowCleaner {
  readonly #exec: Exec
  readonly #log: Logger
  readonly #cleaned: (cleaning: FlowCleaning) => void

  constructor({ exec, log, cleaned = () => {} }: FlowCleanerOptions) {
    this.#exec = exec
    this.#log = log
    this.#cleaned = cleaned
  }

  /** True when a change may have left stale flows behind. */
  static concerns({ before, after }: PortChange): boolean {
    return (before ?? after)?.protocol === 'udp'
  }

  /** Deletes stale flows (`staleFlows`). Never rejects: a flow that stays is a nuisance, not a reason to stop. */
  async clean(family: Family, plans: Iterable<PortPlan>, former: Iterable<PortPlan> = []): Promise<void> {
    const udp = [...plans].filter((plan) => plan.protocol === 'udp')
    const gone = [...former].filter((plan) => plan.protocol === 'udp')
    if (udp.length + gone.length === 0) return
    const started = performance.now()
    const name = family === 4 ? 'ipv4' : 'ipv6'
    const listing = await this.#exec('conntrack', ['-L', '-p', 'udp', '-f', name])
    if (listing.code !== 0) {
      this.#log.warn({ output: listing.stderr.trim() }, 'cannot list connections; stale UDP flows may remain')
      return
    }
    let deleted = 0
    for (const flow of staleFlows(parseFlows(listing.stdout), udp, gone)) deleted += await this.#delete(name, flow)
    this.#cleaned({ family, seconds: (performance.now() - started) / 1000, deleted })
  }

  /** How many there were. */
  async #delete(family: string, { destination, port, backend }: Flow): Promise<number> {
    const original = ['--orig-dst', destination, '--orig-port-dst', String(port)]
    const flow = [...original, '--reply-src', backend.ip, '--reply-port-src', String(backend.port)]
    // Exit code 1 says that it was gone already.
    const result = await this.#exec('conntrack', ['-D', '-p', 'udp', '-f', family, ...flow])
    if (result.code > 1) this.#log.warn({ flow, output: result.stderr.trim() }, 'cannot delete a stale UDP flow')
    return Number(/(\d+) flow entries have been deleted/.exec(result.stderr)?.[1] ?? 0)
  }
}
