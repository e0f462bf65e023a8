/** Sends questions to the configured resolvers: which one, when another, what counts as an answer. */
import { randomInt } from 'node:crypto'
import type { ForwardConfig } from '../corefile/index.ts'
import { decodeHeader, decodeMessage, encodeMessage, type Message, type Question } from '../wire/index.ts'
import type { Exchange, Upstream } from './exchange.ts'

/** CoreDNS's: all attempts together, and one. */
const totalTimeoutMs = 5000
const attemptTimeoutMs = 2000
/** A resolver that failed too often is left alone for this long, unless all have. */
const restMs = 500
/** What fits a packet everywhere (DNS flag day 2020). */
const udpSize = 1232

export interface ForwarderOptions {
  readonly config: ForwardConfig
  /** `config.to` with resolv.conf files read. */
  readonly upstreams: readonly Upstream[]
  readonly exchange: Exchange
  readonly now?: () => number
  /** A random integer from 0 to below n. */
  readonly random?: (n: number) => number
  /** Told of every attempt: `rcode` undefined when there was no answer. */
  readonly observe?: (to: Upstream, rcode: number | undefined, ms: number) => void
}

export interface ForwardQuestion {
  readonly question: Question
  readonly recursionDesired: boolean
  readonly checkingDisabled: boolean
  readonly dnssecOk: boolean
}

/** `busy`: max_concurrent is reached. `failed`: no resolver answered; the last error says why. */
export type ForwardResult =
  | { readonly type: 'answer'; readonly message: Message }
  | { readonly type: 'busy' }
  | { readonly type: 'failed'; readonly error: Error }

interface State extends Upstream {
  failures: number
  restUntil: number
  /** It leads back to this server. */
  excluded: boolean
}

export class Forwarder {
  readonly config: ForwardConfig
  readonly #options: ForwarderOptions
  readonly #upstreams: readonly State[]
  #running = 0
  #turn = 0

  constructor(options: ForwarderOptions) {
    this.config = options.config
    this.#options = options
    this.#upstreams = options.upstreams.map((upstream) => ({ ...upstream, failures: 0, restUntil: 0, excluded: false }))
  }

  get upstreams(): readonly Upstream[] {
    return this.#upstreams
  }

  /** Never asks this resolver again. */
  exclude({ host, port }: Upstream): void {
    for (const each of this.#upstreams) if (each.host === host && each.port === port) each.excluded = true
  }

  async ask(question: ForwardQuestion): Promise<ForwardResult> {
    const { maxConcurrent } = this.config
    if (maxConcurrent > 0 && this.#running >= maxConcurrent) return { type: 'busy' }
    this.#running++
    try {
      return await this.#try(question)
    } finally {
      this.#running--
    }
  }

  /** One question to one resolver, whatever is thought of it. */
  async attempt(upstream: Upstream, asked: ForwardQuestion, timeoutMs: number): Promise<Message> {
    const query = encodeMessage(queryOf(asked, this.#random(65_536)))
    const accept = (bytes: Buffer) => isAnswerTo(query, bytes)
    const started = this.#now()
    try {
      const first = this.config.forceTcp ? 'tcp' : 'udp'
      let message = decodeMessage(await this.#options.exchange(upstream, query, { protocol: first, timeoutMs, accept }))
      if (message.flags.truncated && first === 'udp') {
        message = decodeMessage(await this.#options.exchange(upstream, query, { protocol: 'tcp', timeoutMs, accept }))
      }
      this.#options.observe?.(upstream, message.rcode, this.#now() - started)
      return message
    } catch (error) {
      this.#options.observe?.(upstream, undefined, this.#now() - started)
      throw error
    }
  }

  async #try(question: ForwardQuestion): Promise<ForwardResult> {
    const deadline = this.#now() + totalTimeoutMs
    let error = new Error('no resolver to forward to')
    for (const upstream of this.#order()) {
      const left = deadline - this.#now()
      if (left <= 0) break
      try {
        const message = await this.attempt(upstream, question, Math.min(left, attemptTimeoutMs))
        upstream.failures = 0
        return { type: 'answer', message }
      } catch (caught) {
        error = caught instanceof Error ? caught : new Error(String(caught))
        upstream.failures++
        const { maxFails } = this.config
        if (maxFails > 0 && upstream.failures >= maxFails) upstream.restUntil = this.#now() + restMs
      }
    }
    return { type: 'failed', error }
  }

  /** By policy; those at rest come last. */
  #order(): State[] {
    const candidates = this.#upstreams.filter(({ excluded }) => !excluded)
    const now = this.#now()
    const policy = this.config.policy
    const start =
      policy === 'sequential' ? 0 : policy === 'random' ? this.#random(candidates.length || 1) : this.#turn++
    const at = candidates.length > 0 ? start % candidates.length : 0
    const ordered = [...candidates.slice(at), ...candidates.slice(0, at)]
    return [...ordered.filter((u) => u.restUntil <= now), ...ordered.filter((u) => u.restUntil > now)]
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  #random(n: number): number {
    return (this.#options.random ?? randomInt)(n)
  }
}

function queryOf({ question, recursionDesired, checkingDisabled, dnssecOk }: ForwardQuestion, id: number): Message {
  return {
    id,
    flags: {
      response: false,
      opcode: 0,
      authoritative: false,
      truncated: false,
      recursionDesired,
      recursionAvailable: false,
      authenticData: false,
      checkingDisabled,
    },
    rcode: 0,
    questions: [question],
    answers: [],
    authorities: [],
    additionals: [],
    edns: { udpSize, version: 0, dnssecOk, options: [] },
  }
}

/** Same id and same question: what was not asked is not believed (RFC 5452 9.1). */
function isAnswerTo(query: Buffer, bytes: Buffer): boolean {
  const header = decodeHeader(bytes)
  if (!header?.flags.response || header.id !== query.readUInt16BE(0)) return false
  try {
    const [answered] = decodeMessage(bytes).questions
    const [asked] = decodeMessage(query).questions
    return answered?.name.toLowerCase() === asked?.name.toLowerCase() && answered?.type === asked?.type
  } catch {
    return false
  }
}
