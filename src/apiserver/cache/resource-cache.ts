/** All objects of one resource in memory, with the last changes to them; fed by the one store watch (feed.ts). */
import type { Change, KeyValue } from '../../store/contract.ts'
import type { ServedResource } from '../registry.ts'
import { Entry } from './entry.ts'
import { CacheEvent } from './event.ts'

/** Changes kept for watchers that start at a revision a little behind; older starts are replayed from the store. */
const historyMax = 1024
/** The objects of these changes together, as JSON. */
const historyBytesMax = 8 * 1024 * 1024

/** Called synchronously with each change, in order. */
export type CacheListener = (event: CacheEvent) => void

export class ResourceCache {
  readonly resource: ServedResource
  /** Revision of the last change to an object of this resource (or of the initial state). */
  revision: number
  readonly #namespaces = new Map<string, Map<string, Entry>>()
  readonly #sortedNames = new Map<string, string[]>()
  /** What `list` returned last, by namespace. */
  readonly #lists = new Map<string, readonly Entry[]>()
  #history: CacheEvent[] = []
  #historyBytes = 0
  /** Every change after this revision is in the history. */
  #historyStart: number
  readonly #loadedRevision: number
  readonly #listeners = new Set<CacheListener>()
  readonly #endListeners = new Set<() => void>()
  #ended = false

  constructor(resource: ServedResource, initial: readonly KeyValue[], revision: number) {
    this.resource = resource
    this.revision = revision
    this.#historyStart = revision
    this.#loadedRevision = revision
    for (const kv of initial) this.#put(Entry.fromStored(resource, kv.key, kv.modRevision, kv.value))
  }

  get(namespace: string, name: string): Entry | undefined {
    return this.#namespaces.get(namespace)?.get(name)
  }

  /**
   * In key order. '' means all namespaces (cluster-scoped objects are in the namespace ''). The same array as long as
   * nothing changed in it, so that what is made from it can be kept by its identity.
   */
  list(namespace: string): readonly Entry[] {
    let entries = this.#lists.get(namespace)
    if (!entries) {
      entries =
        namespace === '' && this.resource.definition.namespaced ? this.#listAll() : this.#listNamespace(namespace)
      if (entries.length > 0) this.#lists.set(namespace, entries)
    }
    return entries
  }

  apply(change: Change): void {
    if (change.revision <= this.#loadedRevision) return
    const key = change.type === 'put' ? change.kv.key : change.key
    const current =
      change.type === 'put' ? Entry.fromStored(this.resource, key, change.revision, change.kv.value) : undefined
    const previous = current ? this.#put(current) : this.#remove(key)
    if (!current && !previous) return
    this.revision = change.revision
    const event = new CacheEvent(change.revision, current, previous)
    this.#remember(event)
    for (const listener of this.#listeners) listener(event)
  }

  /** Changes after `revision`; undefined when they are not all in memory any more. */
  changesSince(revision: number): CacheEvent[] | undefined {
    if (revision < this.#historyStart) return undefined
    return this.#history.slice(this.#history.findLastIndex((event) => event.revision <= revision) + 1)
  }

  /** `ended` is called when the cache is dropped and says nothing more; at once if it was. */
  subscribe(listener: CacheListener, ended: () => void): () => void {
    if (this.#ended) ended()
    this.#listeners.add(listener)
    this.#endListeners.add(ended)
    return () => {
      this.#listeners.delete(listener)
      this.#endListeners.delete(ended)
    }
  }

  end(): void {
    this.#ended = true
    for (const ended of this.#endListeners) ended()
    this.#listeners.clear()
    this.#endListeners.clear()
  }

  #listAll(): Entry[] {
    const names = [...this.#namespaces.keys()].sort((a, b) => (`${a}/` < `${b}/` ? -1 : 1))
    return names.flatMap((name) => this.#listNamespace(name))
  }

  #listNamespace(namespace: string): Entry[] {
    const objects = this.#namespaces.get(namespace)
    if (!objects) return []
    let names = this.#sortedNames.get(namespace)
    if (!names) {
      names = [...objects.keys()].sort()
      this.#sortedNames.set(namespace, names)
    }
    return names.map((name) => objects.get(name)!)
  }

  #put(entry: Entry): Entry | undefined {
    let objects = this.#namespaces.get(entry.namespace)
    if (!objects) {
      objects = new Map()
      this.#namespaces.set(entry.namespace, objects)
    }
    const previous = objects.get(entry.name)
    objects.set(entry.name, entry)
    this.#forgetLists(entry.namespace)
    if (!previous) this.#sortedNames.delete(entry.namespace)
    return previous
  }

  #remove(key: string): Entry | undefined {
    const path = key.slice(this.resource.prefix.length)
    const slash = path.indexOf('/')
    const [namespace, name] = slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)]
    const objects = this.#namespaces.get(namespace)
    const previous = objects?.get(name)
    objects?.delete(name)
    this.#forgetLists(namespace)
    this.#sortedNames.delete(namespace)
    if (objects?.size === 0) this.#namespaces.delete(namespace)
    return previous
  }

  #forgetLists(namespace: string): void {
    this.#lists.delete(namespace)
    this.#lists.delete('')
  }

  /** When there is too much, the older half goes at once. */
  #remember(event: CacheEvent): void {
    this.#history.push(event)
    this.#historyBytes += event.bytes
    if (this.#history.length < historyMax && this.#historyBytes <= historyBytesMax) return
    const forgotten = this.#history.slice(0, Math.ceil(this.#history.length / 2))
    this.#history = this.#history.slice(forgotten.length)
    this.#historyStart = forgotten.at(-1)!.revision
    this.#historyBytes -= forgotten.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}
