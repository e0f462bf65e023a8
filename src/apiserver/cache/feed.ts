/**
 * The one store watch of the server. It keeps every loaded cache current and knows which revision the caches have
 * reached, which is what makes reads from memory as consistent as reads from the store.
 */
import type { Change, Store, StoreError, Watch } from '../../store/contract.ts'
import type { ServedResource } from '../registry.ts'
import { ResourceCache } from './resource-cache.ts'

/** Receives every change under one prefix `/registry/A/B/`. */
export interface PrefixListener {
  change(change: Change): void
  /** The feed lost its watch; whatever was learnt from it may be stale. */
  reset(): void
}

/** Everything the server stores is under this. */
const registryPrefix = '/registry/'

export class Feed {
  readonly #store: Store
  readonly #onRestart: (error: StoreError) => void
  #watch: Watch | undefined
  #revision = 0
  #starting: Promise<void> | undefined
  #closed = false
  readonly #caches = new Map<string, { cache: ResourceCache | undefined; loading: Promise<ResourceCache> }>()
  /** Changes that arrive while a cache is being loaded. */
  readonly #collectors = new Map<string, Change[]>()
  readonly #listeners = new Map<string, PrefixListener>()
  #waiters: { revision: number; done: () => void }[] = []

  constructor(store: Store, onRestart: (error: StoreError) => void) {
    this.#store = store
    this.#onRestart = onRestart
  }

  /** The revision up to which all changes have been applied. */
  get revision(): number {
    return this.#revision
  }

  /** Starts watching; called once before the first request and again by itself when the watch was lost. */
  start(): Promise<void> {
    this.#starting ??= this.#begin()
    return this.#starting
  }

  listen(prefix: string, listener: PrefixListener): void {
    this.#listeners.set(prefix, listener)
  }

  /** The cache of a resource, loaded on first use. Not necessarily current: see `current` and `reached`. */
  cache(resource: ServedResource): Promise<ResourceCache> {
    const known = this.#caches.get(resource.prefix)
    if (known) return known.loading
    const slot: { cache: ResourceCache | undefined; loading: Promise<ResourceCache> } = {
      cache: undefined,
      loading: this.#load(resource, () => slot),
    }
    this.#caches.set(resource.prefix, slot)
    slot.loading.catch(() => {
      if (this.#caches.get(resource.prefix) === slot) this.#caches.delete(resource.prefix)
    })
    return slot.loading
  }

  /** The same, for those who cannot wait: undefined while it is not loaded. */
  loaded(resource: ServedResource): ResourceCache | undefined {
    return this.#caches.get(resource.prefix)?.cache
  }

  /** Resolves when the caches hold everything that is durable now; returns that revision. */
  async current(): Promise<number> {
    const revision = await this.#store.currentRevision()
    if (this.#revision < revision) await this.reached(revision)
    return revision
  }

  /** Resolves when the caches have reached a revision that is known to exist. */
  reached(revision: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.push({ revision, done: resolve })
    })
  }

  close(): void {
    this.#closed = true
    this.#watch?.close()
    this.#drop()
  }

  async #begin(): Promise<void> {
    const revision = await this.#store.currentRevision()
    this.#watch = this.#store.watch(
      { prefix: registryPrefix, fromRevision: revision + 1 },
      { changes: (changes) => this.#apply(changes), ended: (error) => this.#ended(error) },
    )
    this.#advance(revision)
  }

  async #load(resource: ServedResource, slotOf: () => { cache: ResourceCache | undefined }): Promise<ResourceCache> {
    await this.start()
    const pending: Change[] = []
    const removePending = this.#collect(resource.prefix, pending)
    try {
      const { kvs, revision } = await this.#store.range({ prefix: resource.prefix })
      const cache = new ResourceCache(resource, kvs, revision)
      for (const change of pending) cache.apply(change)
      slotOf().cache = cache
      return cache
    } finally {
      removePending()
    }
  }

  #collect(prefix: string, pending: Change[]): () => void {
    this.#collectors.set(prefix, pending)
    return () => this.#collectors.delete(prefix)
  }

  #apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const prefix = prefixOf(change.type === 'put' ? change.kv.key : change.key)
      this.#collectors.get(prefix)?.push(change)
      this.#caches.get(prefix)?.cache?.apply(change)
      this.#listeners.get(prefix)?.change(change)
    }
    const last = changes.at(-1)
    if (last) this.#advance(last.revision)
  }

  #advance(revision: number): void {
    if (revision > this.#revision) this.#revision = revision
    if (this.#waiters.length === 0) return
    const ready = this.#waiters.filter((waiter) => waiter.revision <= this.#revision)
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#revision)
    for (const waiter of ready) waiter.done()
  }

  #ended(error: StoreError): void {
    if (this.#closed) return
    this.#drop()
    for (const listener of this.#listeners.values()) listener.reset()
    this.#onRestart(error)
    if (error.code === 'closed') return
    void this.#restart()
  }

  async #restart(): Promise<void> {
    try {
      this.#starting = this.#begin()
      await this.#starting
    } catch {
      // The next request tries again.
      this.#starting = undefined
    }
  }

  /** Forgets all caches; their watchers end and start again. */
  #drop(): void {
    const slots = [...this.#caches.values()]
    this.#caches.clear()
    for (const { cache } of slots) cache?.end()
  }
}

/** `/registry/core/pods/` of `/registry/core/pods/default/web`. */
function prefixOf(key: string): string {
  const group = key.indexOf('/', registryPrefix.length)
  return key.slice(0, key.indexOf('/', group + 1) + 1)
}
