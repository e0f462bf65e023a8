/**
 * Our own writes, until the watch has brought them back: an informer's cache lags behind what a controller just wrote,
 * and a decision on the lagging state would write twice or meet a conflict (upstream: endpointSliceTracker).
 */
import { type KubeObject, objectKey } from '../../api/machinery/object.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { Clock } from '../../lib/clock.ts'

/** A write the watch never confirms (object replaced while the watch was down) stops to count after this. */
const confirmWithinMs = 10_000

type Entry<T> =
  | { readonly type: 'written'; readonly object: T; readonly at: number }
  | { readonly type: 'deleted'; readonly uid: string | undefined; readonly at: number }

export interface WrittenOptions<T> {
  readonly clock: Clock
  /** The views that an object belongs to: keys of its Services, say. */
  readonly views: (object: T) => readonly string[]
}

export class Written<T extends KubeObject> {
  readonly #clock: Clock
  readonly #views: (object: T) => readonly string[]
  readonly #entries = new Map<string, Entry<T>>()
  /** View → keys of what was written in it: a look at one Service must not cost more for what others have under way. */
  readonly #byView = new Map<string, Set<string>>()

  constructor({ clock, views }: WrittenOptions<T>) {
    this.#clock = clock
    this.#views = views
  }

  put(object: T): void {
    const key = objectKey(object)
    this.forget(key)
    this.#entries.set(key, { type: 'written', object, at: this.#now() })
    for (const view of this.#views(object)) {
      const keys = this.#byView.get(view)
      if (keys) keys.add(key)
      else this.#byView.set(view, new Set([key]))
    }
  }

  delete(object: T): void {
    const key = objectKey(object)
    this.forget(key)
    this.#entries.set(key, { type: 'deleted', uid: object.metadata.uid, at: this.#now() })
  }

  /** What was believed of `key` proved wrong. */
  forget(key: string): void {
    const entry = this.#entries.get(key)
    this.#entries.delete(key)
    if (entry?.type !== 'written') return
    for (const view of this.#views(entry.object)) {
      const keys = this.#byView.get(view)
      keys?.delete(key)
      if (keys?.size === 0) this.#byView.delete(view)
    }
  }

  /**
   * Feed with the informer's changes: what the cache has caught up with is forgotten. True when the change is our own
   * write (or one before it) coming back, which is no news.
   */
  observe(change: CacheChange<T>): boolean {
    const key = objectKey(change.object)
    const entry = this.#entries.get(key)
    if (!entry) return false
    const caughtUp =
      entry.type === 'deleted'
        ? change.type === 'deleted' || change.object.metadata.uid !== entry.uid
        : !isOlder(change.object, entry.object)
    if (caughtUp) this.forget(key)
    if (entry.type === 'deleted') return change.type === 'deleted' || change.object.metadata.uid === entry.uid
    return change.type !== 'deleted' && !isOlder(entry.object, change.object)
  }

  /** The cache's objects of a view as they are after our own writes. */
  view(cached: readonly T[], view: string): T[] {
    if (this.#entries.size === 0) return [...cached]
    const objects = new Map(cached.map((object) => [objectKey(object), object]))
    for (const [key, { metadata }] of objects) {
      const entry = this.#current(key)
      if (entry?.type === 'deleted' && metadata.uid === entry.uid) objects.delete(key)
    }
    for (const key of this.#byView.get(view) ?? []) {
      const entry = this.#current(key)
      if (entry?.type === 'written') objects.set(key, entry.object)
    }
    return [...objects.values()]
  }

  #current(key: string): Entry<T> | undefined {
    const entry = this.#entries.get(key)
    if (!entry || this.#now() - entry.at <= confirmWithinMs) return entry
    this.forget(key)
    return undefined
  }

  #now(): number {
    return this.#clock.now().getTime()
  }
}

/** Resource versions of one resource are comparable as numbers (KEP-5504). */
function isOlder(a: KubeObject, b: KubeObject): boolean {
  return Number(a.metadata.resourceVersion ?? 0) < Number(b.metadata.resourceVersion ?? 0)
}
