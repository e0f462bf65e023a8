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

export class Written<T extends KubeObject> {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry<T>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  put(object: T): void {
    this.#entries.set(objectKey(object), { type: 'written', object, at: this.#now() })
  }

  delete(object: T): void {
    this.#entries.set(objectKey(object), { type: 'deleted', uid: object.metadata.uid, at: this.#now() })
  }

  /** What was believed of `key` proved wrong. */
  forget(key: string): void {
    this.#entries.delete(key)
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
    if (caughtUp) this.#entries.delete(key)
    if (entry.type === 'deleted') return change.type === 'deleted' || change.object.metadata.uid === entry.uid
    return change.type !== 'deleted' && !isOlder(entry.object, change.object)
  }

  /** The cache's objects as they are after our own writes; `mine` tells which written ones belong to this view. */
  view(cached: readonly T[], mine: (object: T) => boolean): T[] {
    if (this.#entries.size === 0) return [...cached]
    const objects = new Map(cached.map((object) => [objectKey(object), object]))
    for (const [key, entry] of this.#entries) {
      if (this.#now() - entry.at > confirmWithinMs) this.#entries.delete(key)
      else if (entry.type === 'deleted') {
        if (objects.get(key)?.metadata.uid === entry.uid) objects.delete(key)
      } else if (mine(entry.object)) objects.set(key, entry.object)
    }
    return [...objects.values()]
  }

  #now(): number {
    return this.#clock.now().getTime()
  }
}

/** Resource versions of one resource are comparable as numbers (KEP-5504). */
function isOlder(a: KubeObject, b: KubeObject): boolean {
  return Number(a.metadata.resourceVersion ?? 0) < Number(b.metadata.resourceVersion ?? 0)
}
