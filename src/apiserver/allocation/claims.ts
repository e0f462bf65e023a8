/** The claims under one prefix of the store, in memory: loaded once, then kept current by the feed. */
import type { Change, KeyValue, Store } from '../../store/contract.ts'
import type { Feed } from '../cache/feed.ts'

/** Node ports are claims without an object of their own. */
export const nodePortPrefix = '/registry/ranges/nodeports/'

/** Who holds a claim, as the claim's value in the store says it. */
export interface Holder {
  readonly namespace: string
  readonly name: string
}

export function encodeHolder({ namespace, name }: Holder): Buffer {
  return Buffer.from(JSON.stringify({ resource: 'services', namespace, name }))
}

/** `NAMESPACE/NAME`. */
export function decodeHolder(value: Buffer): string {
  const { namespace, name } = JSON.parse(value.toString()) as Holder
  return `${namespace}/${name}`
}

export class ClaimView {
  readonly prefix: string
  readonly #store: Store
  readonly #feed: Feed
  /** Holder of each claim. */
  readonly #taken = new Map<string, string>()
  #loading: Promise<void> | undefined
  #loadedRevision = 0
  /** Changes that arrive while loading. */
  #pending: Change[] | undefined

  /** `prefix` is `/registry/A/B/`. */
  constructor(prefix: string, store: Store, feed: Feed) {
    this.prefix = prefix
    this.#store = store
    this.#feed = feed
    feed.listen(prefix, { change: (change) => this.#change(change), reset: () => this.#reset() })
  }

  /** After this, `holder` knows every claim that was durable when it was called. */
  async current(): Promise<void> {
    this.#loading ??= this.#load()
    await this.#loading
    await this.#feed.current()
  }

  /** `NAMESPACE/NAME` of the Service that holds the claim; undefined: it is free. */
  holder(name: string): string | undefined {
    return this.#taken.get(name)
  }

  key(name: string): string {
    return this.prefix + name
  }

  async #load(): Promise<void> {
    await this.#feed.start()
    this.#pending = []
    try {
      const { kvs, revision } = await this.#store.range({ prefix: this.prefix })
      this.#taken.clear()
      for (const kv of kvs) this.#take(kv)
      this.#loadedRevision = revision
      const pending = this.#pending ?? []
      this.#pending = undefined
      for (const change of pending) this.#change(change)
    } catch (error) {
      this.#reset()
      throw error
    }
  }

  #take({ key, value }: KeyValue): void {
    this.#taken.set(key.slice(this.prefix.length), decodeHolder(value))
  }

  #change(change: Change): void {
    if (this.#pending) {
      this.#pending.push(change)
      return
    }
    if (!this.#loading || change.revision <= this.#loadedRevision) return
    if (change.type === 'put') this.#take(change.kv)
    else this.#taken.delete(change.key.slice(this.prefix.length))
  }

  #reset(): void {
    this.#loading = undefined
    this.#pending = undefined
    this.#taken.clear()
  }
}
