/** One server block's plugins in CoreDNS's order: cache, hosts, kubernetes, forward. Knows nothing of bytes. */
import type { ServerConfig } from './corefile/index.ts'
import { AnswerCache, type Forwarder, type ForwardQuestion } from './forward/index.ts'
import type { Hosts } from './hosts.ts'
import type { DnsMetrics } from './metrics.ts'
import { classIN, type Question, type ResourceRecord, rcodes } from './wire/index.ts'
import { answerFromZone, type Cluster, isWithin, type ZoneAnswer, type ZoneOptions, zoneOf } from './zone/index.ts'

/** An answer without the framing of a message: no id, no question, no EDNS. */
export interface Reply {
  readonly rcode: number
  readonly authoritative: boolean
  readonly recursionAvailable: boolean
  readonly authenticData: boolean
  readonly truncated: boolean
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
  readonly additionals: readonly ResourceRecord[]
}

export interface KubernetesSource {
  readonly cluster: Cluster
  readonly options: ZoneOptions
  readonly hasSynced: () => boolean
}

export interface ChainParts {
  readonly config: ServerConfig
  readonly kubernetes: KubernetesSource | undefined
  readonly hosts: Hosts | undefined
  readonly forwarders: readonly Forwarder[]
  readonly metrics: DnsMetrics
  /** A query could not be answered. */
  readonly onError: (question: Question, error: Error) => void
}

export function errorReply(rcode: number): Reply {
  return {
    rcode,
    authoritative: false,
    recursionAvailable: false,
    authenticData: false,
    truncated: false,
    answers: [],
    authorities: [],
    additionals: [],
  }
}

/** Asks the whole server, so that an alias may lead to any of its zones. */
export type Follow = (asked: ForwardQuestion) => Reply | Promise<Reply>

export class Chain {
  readonly config: ServerConfig
  readonly #parts: ChainParts
  readonly #cache: AnswerCache | undefined
  /** Questions on their way to another resolver: who asks the same meanwhile waits for the same answer. */
  readonly #asking = new Map<string, Promise<Reply>>()

  constructor(parts: ChainParts) {
    this.config = parts.config
    this.#parts = parts
    this.#cache = parts.config.cache && new AnswerCache(parts.config.cache)
  }

  get cacheSizes(): { readonly success: number; readonly denial: number } {
    return this.#cache?.sizes ?? { success: 0, denial: 0 }
  }

  /** Synchronous for what is known here; aliases that lead out of the zone are followed by `follow`. */
  resolve(asked: ForwardQuestion, follow: Follow): Reply | Promise<Reply> {
    const { question } = asked
    const fromHosts = this.#parts.hosts?.answer(question)
    if (fromHosts === 'nxdomain') return { ...errorReply(rcodes.NXDOMAIN), authoritative: true }
    if (fromHosts) return { ...errorReply(rcodes.NOERROR), authoritative: true, answers: fromHosts }
    const { kubernetes } = this.#parts
    if (kubernetes) {
      const answer = answerFromZone(kubernetes.cluster, kubernetes.options, question)
      if (answer.type === 'refused') return errorReply(rcodes.REFUSED)
      if (answer.type === 'answer')
        return fromCluster(kubernetes, answer, (name) => follow({ ...asked, question: { ...question, name } }))
    }
    return this.#forward(asked)
  }

  #forward(asked: ForwardQuestion): Reply | Promise<Reply> {
    const name = asked.question.name.toLowerCase()
    const forwarder = forwarderFor(this.#parts.forwarders, name)
    if (!forwarder) return errorReply(rcodes.SERVFAIL)
    const key = AnswerCache.key(asked.question, asked)
    const cached = this.#cache?.get(key)
    const labels = { server: `dns://:${this.config.port}`, zones: '.', view: '' }
    if (cached) {
      this.#parts.metrics.cacheHits({ ...labels, type: cached.answers.length > 0 ? 'success' : 'denial' })
      return replyOf(cached)
    }
    if (this.#cache) this.#parts.metrics.cacheMisses(labels)
    let asking = this.#asking.get(key)
    if (!asking) {
      asking = this.#ask(forwarder, asked, key).finally(() => this.#asking.delete(key))
      this.#asking.set(key, asking)
    }
    return asking
  }

  async #ask(forwarder: Forwarder, asked: ForwardQuestion, key: string): Promise<Reply> {
    const result = await forwarder.ask(asked)
    if (result.type === 'answer') return replyOf(this.#cache?.put(key, result.message) ?? result.message)
    if (result.type === 'busy') {
      this.#parts.metrics.forwardRejected({})
      return errorReply(rcodes.REFUSED)
    }
    this.#parts.onError(asked.question, result.error)
    return errorReply(rcodes.SERVFAIL)
  }
}

function fromCluster(
  { hasSynced }: KubernetesSource,
  { rcode, answers, authorities, additionals, continueAt }: Extract<ZoneAnswer, { type: 'answer' }>,
  follow: (name: string) => Reply | Promise<Reply>,
): Reply | Promise<Reply> {
  // What is not known yet must not be called not existing.
  if (rcode === rcodes.NXDOMAIN && !hasSynced()) return errorReply(rcodes.SERVFAIL)
  const reply: Reply = { ...errorReply(rcode), authoritative: true, answers, authorities, additionals }
  if (continueAt === undefined) return reply
  const target = follow(continueAt)
  return target instanceof Promise ? target.then((known) => aliased(reply, known)) : aliased(reply, target)
}

/** Appends what the alias's target has; a target that cannot be resolved leaves the alias alone. */
function aliased(alias: Reply, target: Reply): Reply {
  return { ...alias, truncated: target.truncated, answers: [...alias.answers, ...target.answers] }
}

/** The `forward` line with the longest matching zone. */
function forwarderFor(forwarders: readonly Forwarder[], name: string): Forwarder | undefined {
  const eligible = forwarders.filter(({ config }) => !config.except.some((zone) => isWithin(name, zone)))
  const zone = zoneOf(
    eligible.map(({ config }) => config.from),
    name,
  )
  return eligible.find(({ config }) => config.from === zone)
}

function replyOf({
  rcode,
  flags,
  answers,
  authorities,
  additionals,
}: {
  readonly rcode: number
  readonly flags: { authoritative: boolean; recursionAvailable: boolean; authenticData: boolean; truncated: boolean }
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
  readonly additionals: readonly ResourceRecord[]
}): Reply {
  const { authoritative, recursionAvailable, authenticData, truncated } = flags
  // Records of other classes have no place in an answer to a question of class IN.
  const ours = answers.filter((record) => record.class === classIN)
  return { rcode, authoritative, recursionAvailable, authenticData, truncated, answers: ours, authorities, additionals }
}
