/** Answers of other resolvers, for as long as their TTL and the configuration allow. Cluster names are never in it. */
import type { CacheConfig } from '../corefile/index.ts'
import { type Message, type Question, rcodes, recordTypes } from '../wire/index.ts'

interface Entry {
  readonly message: Message
  readonly storedAt: number
  readonly ttl: number
}

/** Of a negative answer that does not say how long it holds. */
const unstatedTtl = 5

export class AnswerCache {
  readonly #config: CacheConfig
  readonly #now: () => number
  readonly #success = new Map<string, Entry>()
  readonly #denial = new Map<string, Entry>()

  constructor(config: CacheConfig, now: () => number = Date.now) {
    this.#config = config
    this.#now = now
  }

  get sizes(): { readonly success: number; readonly denial: number } {
    return { success: this.#success.size, denial: this.#denial.size }
  }

  /** What makes two questions the same to another resolver. */
  static key(
    { name, type }: Question,
    { dnssecOk, checkingDisabled }: { dnssecOk: boolean; checkingDisabled: boolean },
  ) {
    return `${name.toLowerCase()} ${type} ${dnssecOk} ${checkingDisabled}`
  }

  /** The answer with its TTLs counted down. */
  get(key: string): Message | undefined {
    for (const entries of [this.#success, this.#denial]) {
      const entry = entries.get(key)
      if (!entry) continue
      const left = entry.ttl - Math.floor((this.#now() - entry.storedAt) / 1000)
      if (left > 0) return withTtl(entry.message, left)
      entries.delete(key)
    }
    return undefined
  }

  /** Stores what may be stored, and returns the message with the TTL it is stored with. */
  put(key: string, message: Message): Message {
    const ttl = this.#ttlOf(message)
    if (ttl <= 0) return message
    const positive = isPositive(message)
    const entries = positive ? this.#success : this.#denial
    ;(positive ? this.#denial : this.#success).delete(key)
    entries.delete(key)
    entries.set(key, { message, storedAt: this.#now(), ttl })
    const oldest = entries.keys().next().value
    if (entries.size > this.#config[positive ? 'success' : 'denial'].capacity && oldest !== undefined)
      entries.delete(oldest)
    return withTtl(message, ttl)
  }

  #ttlOf(message: Message): number {
    const { success, denial, servfail } = this.#config
    if (message.flags.truncated) return 0
    if (message.rcode === rcodes.SERVFAIL) return servfail
    if (message.rcode !== rcodes.NOERROR && message.rcode !== rcodes.NXDOMAIN) return 0
    const limits = isPositive(message) ? success : denial
    return Math.max(limits.min, Math.min(limits.max, statedTtl(message)))
  }
}

function isPositive({ rcode, answers }: Message): boolean {
  return rcode === rcodes.NOERROR && answers.length > 0
}

function statedTtl(message: Message): number {
  const ttls = [...message.answers, ...message.authorities].map(({ ttl, data, type }) =>
    // RFC 2308 5: a negative answer holds for the smaller of the SOA's TTL and its minimum.
    type === recordTypes.SOA && data.type === 'soa' && !isPositive(message) ? Math.min(ttl, data.minimum) : ttl,
  )
  return ttls.length > 0 ? Math.min(...ttls) : unstatedTtl
}

function withTtl(message: Message, ttl: number): Message {
  const limit = (records: Message['answers']) => records.map((record) => ({ ...record, ttl }))
  return {
    ...message,
    answers: limit(message.answers),
    authorities: limit(message.authorities),
    additionals: limit(message.additionals),
  }
}
