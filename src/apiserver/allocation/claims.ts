/** The claims under one prefix of the store, in memory: loaded once, then kept current by the feed. */
import type { Change, Store } from '../../store/contract.ts'
import type { Feed } from '../cache/feed.ts'

export class ClaimView {
  readonly prefix: string
  readonly #store: Store
  readonly #feed: Feed
  readonly #taken = new Set<string>()
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

  /** After this, `has` knows every claim that was durable when it was called. */
  async current(): Promise<void> {
    this.#loading ??= this.#load()
    await this.#loading
    await this.#feed.current()
  }

  has(name: string): boolean {
    return this.#taken.has(name)
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
      for (const { key } of kvs) this.#taken.add(key.slice(this.prefix.length))
      this.#loadedRevision = revision
      const pending = this.#pending ?? []
      this.#pending = undefined
      for (const change of pending) this.#change(change)
    } catch (error) {
      this.#reset()
      throw error
    }
  }

  #change(change: Change): void {
    if (this.#pending) {
      this.#pending.push(change)
      return
    }
    if (!this.#loading || change.revision <= this.#loadedRevision) return
    if (change.type === 'put') this.#taken.add(change.kv.key.slice(this.prefix.length))
    else this.#taken.delete(change.key.slice(this.prefix.length))
  }

  #reset(): void {
    this.#loading = undefined
    this.#pending = undefined
    this.#taken.clear()
  }
}
