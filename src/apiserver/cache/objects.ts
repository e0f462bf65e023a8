/** Objects that the server itself goes by (accounts, pods, roles), read from the caches and typed. */
import type { KubeObject } from '../../api/machinery/object.ts'
import type { Resource } from '../../client/contract.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Registry } from '../registry.ts'
import type { Feed } from './feed.ts'
import type { ResourceCache } from './resource-cache.ts'

interface At {
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string | undefined
  readonly name: string
}

export class ServerObjects {
  readonly #registry: Registry
  readonly #feed: Feed
  readonly #clock: Clock

  constructor({ registry, feed, clock }: { registry: Registry; feed: Feed; clock: Clock }) {
    this.#registry = registry
    this.#feed = feed
    this.#clock = clock
  }

  cache(resource: Resource<KubeObject>): Promise<ResourceCache> {
    return this.#feed.cache(this.#registry.served(resource))
  }

  /** undefined: it is not loaded yet. */
  loadedCache(resource: Resource<KubeObject>): ResourceCache | undefined {
    return this.#feed.loaded(this.#registry.served(resource))
  }

  /** What memory has, without waiting for anything. Shared: never mutate it. */
  peek<T extends KubeObject>(resource: Resource<T>, { namespace = '', name }: At): T | undefined {
    return this.loadedCache(resource)?.get(namespace, name)?.object as T | undefined
  }

  /** Shared: never mutate it. The store is only asked when memory has none; then `waitMs` for somebody to create it. */
  async find<T extends KubeObject>(
    resource: Resource<T>,
    { namespace = '', name }: At,
    { waitMs = 0 }: { readonly waitMs?: number } = {},
  ): Promise<T | undefined> {
    const cache = await this.cache(resource)
    const read = () => cache.get(namespace, name)?.object as T | undefined
    const known = read()
    if (known) return known
    await this.#feed.current()
    return read() ?? (waitMs > 0 ? this.#appearance(cache, read, waitMs) : undefined)
  }

  #appearance<T>(cache: ResourceCache, read: () => T | undefined, waitMs: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const done = () => {
        unsubscribe()
        cancel()
        resolve(read())
      }
      const unsubscribe = cache.subscribe(() => {
        if (read()) done()
      }, done)
      const cancel = this.#clock.setTimeout(done, waitMs)
    })
  }
}
