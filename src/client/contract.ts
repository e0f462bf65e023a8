/** What other rooms use of the client. The classes are in client.ts, informer.ts and queue.ts. */
import type { KubeList, KubeObject } from '../api/machinery/object.ts'

/** A resource as a client addresses it; `resources.ts` lists the known ones, typed. */
export interface Resource<T extends KubeObject> {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Never set; carries the object type. */
  readonly objectType?: T
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean
  readonly timeoutSeconds?: number
  readonly signal?: AbortSignal
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: { metadata: { resourceVersion: string } } }

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'

export interface ObjectName {
  /** Absent for cluster-scoped resources. */
  readonly namespace?: string
  readonly name: string
}

/** Every method throws StatusError for an API error and TransportError when there was no answer. */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, at: ObjectName): Promise<T>
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<KubeList<T>>
  create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>
  update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>
  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>
  patch<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectName,
    patch: unknown,
    options?: { type?: PatchType; subresource?: string },
  ): Promise<T>
  delete<T extends KubeObject>(resource: Resource<T>, at: ObjectName, options?: DeleteOptions): Promise<void>
  /** POST to a subresource: `binding`, `eviction`. */
  createSubresource(
    resource: Resource<KubeObject>,
    at: ObjectName,
    subresource: string,
    body: unknown,
  ): Promise<unknown>
  /** Ends when the server ends it. Throws StatusError 410 when the version is gone. */
  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>
}

/** One change in an informer's cache. `replaced` after a relist looks like the difference it makes. */
export type CacheChange<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly object: T; readonly old: T }
  | { readonly type: 'deleted'; readonly object: T }

/** A list-and-watch cache, by `namespace/name`. Objects in it are shared: never mutate them. */
export interface ReadCache<T extends KubeObject> {
  readonly hasSynced: boolean
  get(key: string): T | undefined
  /** All objects, or one namespace's. */
  list(namespace?: string): T[]
}
