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

interface Slot {
  cache: ResourceCache | undefined
  readonly loading: Promise<ResourceCache>
}

const none: readonly never[] = []

/** Everything the server stores is under this. */
const registryPrefix = '/registry/'

export class Feed {
  readonly #store: Store
  readonly #onRestart: (error: StoreError) => void
  #watch: Watch | undefined
  #revision = 0
  #starting: Promise<void> | undefined
  #closed = false
  /** By prefix and version: what is stored once may be seen in several. */
  readonly #caches = new Map<string, Map<string, Slot>>()
  /** By prefix, changes that arrive while a cache is being loaded. */
  readonly #collectors = new Map<string, Set<Change[]>>()
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
    const { prefix, apiVersion } = resource
    let versions = this.#caches.get(prefix)
    if (!versions) this.#caches.set(prefix, (versions = new Map()))
    const known = versions.get(apiVersion)
    if (known) return known.loading
    const slot: Slot = { cache: undefined, loading: this.#load(resource, () => slot) }
    versions.set(apiVersion, slot)
    slot.loading.catch(() => {
      if (versions.get(apiVersion) === slot) versions.delete(apiVersion)
    })
    return slot.loading
  }

  /** The same, for those who cannot wait: undefined while it is not loaded. */
  loaded({ prefix, apiVersion }: ServedResource): ResourceCache | undefined {
    return this.#caches.get(prefix)?.get(apiVersion)?.cache
  }

  /** Resolves when the caches hold everything that is durable now; returns that revision. */
  async current(): Promise<number> {
    const revision = await this.#store.currentRevision()
    if (this.#revision < revision) await this.reached(revision)
    return revision
  }

  /** Resolves when the caches have reached a revision that is known to exist. */
  async reached(revision: number): Promise<void> {
    // A server that was only written to has not watched yet.
    await this.start()
    if (this.#revision >= revision) return
    await new Promise<void>((resolve) => {
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
    const collectors = this.#collectors.get(prefix) ?? new Set()
    this.#collectors.set(prefix, collectors.add(pending))
    return () => collectors.delete(pending)
  }

  #apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const prefix = prefixOf(change.type === 'put' ? change.kv.key : change.key)
      for (const pending of this.#collectors.get(prefix) ?? none) pending.push(change)
      for (const { cache } of this.#caches.get(prefix)?.values() ?? none) cache?.apply(change)
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
    const slots = [...this.#caches.values()].flatMap((versions) => [...versions.values()])
    this.#caches.clear()
    for (const { cache } of slots) cache?.end()
  }
}

/** `/registry/core/pods/` of `/registry/core/pods/default/web`. */
function prefixOf(key: string): string {
  const group = key.indexOf('/', registryPrefix.length)
  return key.slice(0, key.indexOf('/', group + 1) + 1)
}
