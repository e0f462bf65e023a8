/**
 * ConfigMaps or Secrets that volumes on this node are made of, one watch for each: an agent may read only what its pods
 * refer to, and must know at once when that changes.
 */
import type { KubeObject } from '../../../api/machinery/object.ts'
import { Informer, type KubeClient, type Resource } from '../../../client/index.ts'
import type { Logger } from '../../../lib/log.ts'

export interface WatchedObjectsOptions<T extends KubeObject> {
  readonly client: KubeClient
  readonly resource: Resource<T>
  /** Pods whose object came, went or became another. */
  readonly changed: (uids: Iterable<string>) => void
  readonly log: Logger
}

interface Watched<T extends KubeObject> {
  readonly informer: Informer<T>
  readonly users: Set<string>
  readonly stop: AbortController
}

type MaybeImmutable = KubeObject & { readonly immutable?: boolean }

/** How long a first look may take, before the pod is told that it does. */
const syncMaxMs = 5000

export class WatchedObjects<T extends MaybeImmutable> {
  readonly #options: WatchedObjectsOptions<T>
  /** By `namespace/name`. */
  readonly #watched = new Map<string, Watched<T>>()

  constructor(options: WatchedObjectsOptions<T>) {
    this.#options = options
  }

  /** The pod uses these, and no longer any others; resolves with those that exist, by name. */
  async use(uid: string, namespace: string, names: readonly string[]): Promise<Map<string, T>> {
    const keys = new Set(names.map((name) => `${namespace}/${name}`))
    for (const key of keys) this.#watch(key).users.add(uid)
    this.#leaveOthers(uid, keys)
    const found = await Promise.all(names.map(async (name) => [name, await this.#get(`${namespace}/${name}`)] as const))
    return new Map(found.flatMap(([name, object]) => (object ? [[name, object] as const] : [])))
  }

  forget(uid: string): void {
    this.#leaveOthers(uid, new Set())
  }

  stop(): void {
    for (const { stop } of this.#watched.values()) stop.abort()
    this.#watched.clear()
  }

  #leaveOthers(uid: string, keep: ReadonlySet<string>): void {
    for (const [key, { users, stop }] of this.#watched) {
      if (keep.has(key) || !users.delete(uid) || users.size > 0) continue
      stop.abort()
      this.#watched.delete(key)
    }
  }

  #watch(key: string): Watched<T> {
    const known = this.#watched.get(key)
    if (known) return known
    const { client, resource, changed, log } = this.#options
    const [namespace = '', name = ''] = key.split('/')
    const informer = new Informer({ client, resource, namespace, fieldSelector: `metadata.name=${name}`, log })
    const watched: Watched<T> = { informer, users: new Set(), stop: new AbortController() }
    this.#watched.set(key, watched)
    informer.onChange(({ type, object }) => {
      // It will not change, and its deletion takes nothing from pods that have it.
      if (type !== 'deleted' && object.immutable) watched.stop.abort()
      if (informer.hasSynced) changed(watched.users)
    })
    informer.start(watched.stop.signal)
    return watched
  }

  async #get(key: string): Promise<T | undefined> {
    const { informer } = this.#watch(key)
    if (!informer.hasSynced) await this.#firstLook(informer)
    // Its watch is for this one object.
    return informer.list()[0]
  }

  async #firstLook(informer: Informer<T>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), syncMaxMs)
    })
    const outcome = await Promise.race([informer.synced, late])
    clearTimeout(timer)
    if (outcome !== 'late') return
    const kind = this.#options.resource.kind.toLowerCase()
    throw new Error(`failed to sync ${kind} cache: timed out waiting for the condition`)
  }
}
