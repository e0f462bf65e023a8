/**
 * List and watch with a cache (client-go's shared informer, in one turn of the event loop): handlers are called
 * synchronously after the cache has changed, so what a handler reads is never older than what it was told.
 */
import { type KubeObject, objectKey } from '../api/machinery/object.ts'
import { StatusError } from '../api/machinery/status.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { type Logger, silentLogger } from '../lib/log.ts'
import type { CacheChange, KubeClient, ReadCache, Resource } from './contract.ts'
import { TransportError } from './transport.ts'

export interface InformerOptions<T extends KubeObject> {
  readonly client: KubeClient
  readonly resource: Resource<T>
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Shrinks an object before it is cached; must keep metadata's name, namespace, uid and resourceVersion. */
  readonly transform?: (object: T) => T
  readonly log?: Logger
  readonly clock?: Clock
}

const retryMinMs = 20
const retryMaxMs = 5000
/** A watch that lived this long was a working one: delays begin anew after it. */
const healthyWatchMs = 1000
const pageSize = 500

export class Informer<T extends KubeObject> implements ReadCache<T> {
  readonly synced: Promise<void>
  readonly #options: InformerOptions<T>
  readonly #log: Logger
  readonly #clock: Clock
  readonly #objects = new Map<string, T>()
  readonly #handlers: ((change: CacheChange<T>) => void)[] = []
  readonly #indexes = new Map<string, Index<T>>()
  #markSynced: () => void = () => {}
  #hasSynced = false
  #resourceVersion = ''

  constructor(options: InformerOptions<T>) {
    this.#options = options
    this.#log = options.log ?? silentLogger
    this.#clock = options.clock ?? systemClock
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve
    })
  }

  get hasSynced(): boolean {
    return this.#hasSynced
  }

  /** The newest resourceVersion the cache has seen. */
  get resourceVersion(): string {
    return this.#resourceVersion
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(namespace?: string): T[] {
    if (!namespace) return [...this.#objects.values()]
    return this.byIndex(namespaceIndex, namespace)
  }

  /** Objects filed under `value` in the index `name`. */
  byIndex(name: string, value: string): T[] {
    if (name === namespaceIndex && !this.#indexes.has(name)) {
      this.addIndex(namespaceIndex, (object) => [object.metadata.namespace ?? ''])
    }
    const index = this.#indexes.get(name)
    if (!index) throw new Error(`${this.#options.resource.plural}: no index ${name}`)
    return index.get(value)
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    const index = new Index(values)
    for (const [key, object] of this.#objects) index.put(key, object)
    this.#indexes.set(name, index)
  }

  /** Handlers added after objects arrived are first told of those, as added. */
  onChange(handler: (change: CacheChange<T>) => void): void {
    this.#handlers.push(handler)
    for (const object of this.#objects.values()) handler({ type: 'added', object })
  }

  /** Lists and watches until the signal aborts; never rejects. */
  start(signal: AbortSignal): void {
    void this.#run(signal)
  }

  async #run(signal: AbortSignal): Promise<void> {
    let delayMs = retryMinMs
    let listed = false
    while (!signal.aborted) {
      let watchedFrom = Number.POSITIVE_INFINITY
      try {
        if (!listed) {
          await this.#relist(signal)
          listed = true
        }
        watchedFrom = this.#now()
        await this.#watch(signal)
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof StatusError && (error.code === 410 || error.code === 404)) listed = false
        this.#report(error)
      }
      // A server that ends watches as soon as they begin must not be asked in a tight loop.
      if (this.#now() - watchedFrom >= healthyWatchMs) delayMs = retryMinMs
      await this.#sleep(delayMs, signal)
      delayMs = Math.min(delayMs * 2, retryMaxMs)
    }
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#clock.setTimeout(done, ms)
      signal.addEventListener('abort', done)
    })
  }

  #now(): number {
    return this.#clock.now().getTime()
  }

  #report(error: unknown): void {
    const { resource } = this.#options
    const expected = error instanceof TransportError && (error.code === 'refused' || error.code === 'closed')
    this.#log[expected ? 'debug' : 'warn']({ err: error, resource: resource.plural }, 'list and watch interrupted')
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { client, resource, transform } = this.#options
    const found = new Map<string, T>()
    let position: string | undefined
    let version = ''
    do {
      const page = await client.list(resource, {
        ...this.#selection(),
        limit: pageSize,
        ...(position && { continue: position }),
      })
      for (const item of page.items) found.set(objectKey(item), transform ? transform(item) : item)
      position = page.metadata.continue || undefined
      version = page.metadata.resourceVersion ?? ''
    } while (position && !signal.aborted)
    this.#replace(found)
    this.#resourceVersion = version
    this.#hasSynced = true
    this.#markSynced()
  }

  /** The cache becomes `found`; handlers hear only the difference. */
  #replace(found: ReadonlyMap<string, T>): void {
    for (const key of this.#objects.keys()) if (!found.has(key)) this.#remove(key)
    for (const [key, object] of found) this.#store(key, object)
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, resource, transform } = this.#options
    const events = client.watch(resource, {
      ...this.#selection(),
      resourceVersion: this.#resourceVersion,
      allowWatchBookmarks: true,
      signal,
    })
    for await (const event of events) {
      if (signal.aborted) return
      this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion
      if (event.type === 'BOOKMARK') continue
      const key = objectKey(event.object)
      if (event.type === 'DELETED') this.#remove(key, event.object)
      else this.#store(key, transform ? transform(event.object) : event.object)
    }
  }

  #selection() {
    const { namespace, labelSelector, fieldSelector } = this.#options
    return {
      ...(namespace && { namespace }),
      ...(labelSelector && { labelSelector }),
      ...(fieldSelector && { fieldSelector }),
    }
  }

  #store(key: string, object: T): void {
    const old = this.#objects.get(key)
    if (old?.metadata.resourceVersion !== undefined && old.metadata.resourceVersion === object.metadata.resourceVersion)
      return
    this.#objects.set(key, object)
    for (const index of this.#indexes.values()) index.put(key, object)
    // Deleted and created anew while we were not watching: two changes, not one.
    if (old && old.metadata.uid !== object.metadata.uid) {
      this.#emit({ type: 'deleted', object: old })
      this.#emit({ type: 'added', object })
    } else this.#emit(old ? { type: 'updated', object, old } : { type: 'added', object })
  }

  #remove(key: string, last?: T): void {
    const object = this.#objects.get(key)
    if (!object) return
    this.#objects.delete(key)
    for (const index of this.#indexes.values()) index.delete(key)
    this.#emit({ type: 'deleted', object: last ?? object })
  }

  #emit(change: CacheChange<T>): void {
    for (const handler of this.#handlers) handler(change)
  }
}

const namespaceIndex = 'namespace'

/** Objects by computed values; each object may be filed under several. */
class Index<T> {
  readonly #values: (object: T) => readonly string[]
  readonly #buckets = new Map<string, Map<string, T>>()
  readonly #filed = new Map<string, readonly string[]>()

  constructor(values: (object: T) => readonly string[]) {
    this.#values = values
  }

  get(value: string): T[] {
    return [...(this.#buckets.get(value)?.values() ?? [])]
  }

  put(key: string, object: T): void {
    this.delete(key)
    const values = this.#values(object)
    this.#filed.set(key, values)
    for (const value of values) {
      let bucket = this.#buckets.get(value)
      if (!bucket) this.#buckets.set(value, (bucket = new Map()))
      bucket.set(key, object)
    }
  }

  delete(key: string): void {
    for (const value of this.#filed.get(key) ?? []) {
      const bucket = this.#buckets.get(value)
      bucket?.delete(key)
      if (bucket?.size === 0) this.#buckets.delete(value)
    }
    this.#filed.delete(key)
  }
}
