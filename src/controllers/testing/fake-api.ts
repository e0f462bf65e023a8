/**
 * An API server in memory, at the level of the client's interface: conflicts, generations, finalizers, graceful pod
 * deletion, bindings, strategic merge patches and watches behave as the real one's. It validates and defaults nothing.
 */
import type { Status } from '../../api/generated/meta.v1.ts'
import type { Namespace, Pod } from '../../api/generated/v1.ts'
import { type KubeList, type KubeObject, objectKey } from '../../api/machinery/object.ts'
import { applyPatch } from '../../api/machinery/patch.ts'
import { alreadyExistsError, conflictError, notFoundError, staleObjectMessage } from '../../api/machinery/status.ts'
import type {
  DeleteOptions,
  ListOptions,
  ObjectName,
  PatchType,
  Resource,
  WatchEvent,
  WatchOptions,
} from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerClient } from '../context.ts'

type Any = KubeObject & { spec?: Record<string, unknown>; status?: unknown }
interface Logged {
  readonly revision: number
  readonly resource: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: Any
}

/** How a subresource or the main resource treats the rest of the object. */
type Part = 'main' | 'status' | 'finalize'

export class FakeApi implements ControllerClient {
  /** `create pods`, `update replicasets`, `patch pods/status`: every accepted write, in order. */
  readonly writes: string[] = []
  /** Throw to refuse a write. */
  refuse: (write: string) => void = () => {}
  readonly #objects = new Map<string, Map<string, Any>>()
  readonly #log: Logged[] = []
  readonly #wake = new Set<() => void>()
  #revision = 0
  #names = 0

  /** Objects of a kind now, by key. */
  all<T extends KubeObject>(resource: Resource<T>): T[] {
    return [...this.#table(resource).values()] as unknown as T[]
  }

  count(write: RegExp): number {
    return this.writes.filter((line) => write.test(line)).length
  }

  async get<T extends KubeObject>(resource: Resource<T>, at: ObjectName): Promise<T> {
    return structuredClone(this.#find(resource, at)) as unknown as T
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const items = this.all(resource).filter((o) => !options.namespace || o.metadata.namespace === options.namespace)
    return { metadata: { resourceVersion: String(this.#revision) }, items: structuredClone(items) }
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const next = structuredClone(object) as unknown as Any
    if (!next.metadata.name)
      next.metadata.name = `${next.metadata.generateName}${String(this.#names++).padStart(5, 'x')}`
    const { name } = next.metadata
    this.#accept(`create ${resource.plural}`)
    if (this.#table(resource).has(objectKey(next))) throw alreadyExistsError(groupResource(resource), name)
    const uid = `uid-${this.#revision + 1}`
    Object.assign(next.metadata, { uid, generation: 1, creationTimestamp: new Date(0).toISOString() })
    if (resource === (resources.namespaces as Resource<KubeObject>)) next.spec = { finalizers: ['kubernetes'] }
    if (resource === (resources.pods as Resource<KubeObject>))
      next.status = { phase: 'Pending', ...(next.status as object | undefined) }
    this.#commit(resource, 'ADDED', next)
    return structuredClone(next) as unknown as T
  }

  async update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    this.#accept(`update ${resource.plural}`)
    return this.#replace(resource, object, 'main')
  }

  async updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    this.#accept(`update ${resource.plural}/status`)
    return this.#replace(resource, object, 'status')
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectName,
    patch: unknown,
    options: { type?: PatchType; subresource?: string } = {},
  ): Promise<T> {
    this.#accept(`patch ${resource.plural}${options.subresource ? `/${options.subresource}` : ''}`)
    const current = this.#find(resource, at)
    const wanted = (patch as { metadata?: { uid?: string; resourceVersion?: string } }).metadata
    const stale = wanted?.resourceVersion && wanted.resourceVersion !== current.metadata.resourceVersion
    if (stale || (wanted?.uid && wanted.uid !== current.metadata.uid))
      throw conflictError(groupResource(resource), at.name, staleObjectMessage)
    const gvk = { group: resource.group, version: resource.version, kind: resource.kind }
    const mediaType = options.type ?? 'application/strategic-merge-patch+json'
    const typed = { ...current, apiVersion: apiVersionOf(resource), kind: resource.kind }
    const body = Buffer.from(JSON.stringify(patch))
    const { object } = applyPatch<T>(gvk, typed, { mediaType, body, fieldValidation: 'Strict' })
    return this.#replace(resource, object, options.subresource === 'status' ? 'status' : 'main')
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectName,
    options: DeleteOptions = {},
  ): Promise<void> {
    this.#accept(`delete ${resource.plural}`)
    const current = this.#find(resource, at)
    const { uid, resourceVersion } = options.preconditions ?? {}
    if (
      (uid && uid !== current.metadata.uid) ||
      (resourceVersion && resourceVersion !== current.metadata.resourceVersion)
    )
      throw conflictError(groupResource(resource), at.name, 'Precondition failed')
    const next = structuredClone(current)
    const finalizer = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: '' }[
      options.propagationPolicy ?? 'Background'
    ]
    if (finalizer) next.metadata.finalizers = [...new Set([...(next.metadata.finalizers ?? []), finalizer])]
    if (!this.#lingers(resource, next, options)) return this.#remove(resource, current)
    if (current.metadata.deletionTimestamp) return
    next.metadata.deletionTimestamp = new Date(0).toISOString()
    this.#commit(resource, 'MODIFIED', next)
  }

  async createSubresource(
    resource: Resource<KubeObject>,
    at: ObjectName,
    subresource: string,
    body: unknown,
  ): Promise<unknown> {
    this.#accept(`create ${resource.plural}/${subresource}`)
    const current = this.#find(resource, at)
    if (current.spec?.['nodeName']) throw conflictError(groupResource(resource), at.name, 'already bound')
    const { name } = (body as { target: { name: string } }).target
    this.#commit(resource, 'MODIFIED', { ...current, spec: { ...current.spec, nodeName: name } })
    return { kind: 'Status', metadata: {}, status: 'Success' } satisfies Status
  }

  async request<R>(method: string, path: string, body?: unknown): Promise<R> {
    const found = /^\/api\/v1\/namespaces\/([^/]+)\/finalize$/.exec(path)
    if (method !== 'PUT' || !found) throw new Error(`not served: ${method} ${path}`)
    this.#accept('update namespaces/finalize')
    return this.#replace(resources.namespaces, body as KubeObject, 'finalize') as R
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncGenerator<WatchEvent<T>> {
    let position = this.#log.findLastIndex((entry) => entry.revision <= Number(options.resourceVersion ?? 0)) + 1
    while (!options.signal?.aborted) {
      const entry = this.#log[position]
      if (!entry) {
        await this.#next(options.signal)
        continue
      }
      position++
      if (entry.resource === id(resource)) yield structuredClone(entry) as unknown as WatchEvent<T>
    }
  }

  #next(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake.delete(wake)
        resolve()
      }
      this.#wake.add(wake)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  #accept(write: string): void {
    this.refuse(write)
    this.writes.push(write)
  }

  #table(resource: Resource<KubeObject>): Map<string, Any> {
    let table = this.#objects.get(id(resource))
    if (!table) this.#objects.set(id(resource), (table = new Map()))
    return table
  }

  #find(resource: Resource<KubeObject>, { namespace, name }: ObjectName): Any {
    const found = this.#table(resource).get(namespace ? `${namespace}/${name}` : name)
    if (!found) throw notFoundError(groupResource(resource), name)
    return found
  }

  #replace<T extends KubeObject>(resource: Resource<T>, object: KubeObject, part: Part): T {
    const current = this.#find(resource, object.metadata)
    const { resourceVersion } = object.metadata
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion)
      throw conflictError(groupResource(resource), object.metadata.name, staleObjectMessage)
    const given = structuredClone(object) as Any
    const next: Any = {
      ...(part === 'main' ? given : current),
      metadata: { ...given.metadata },
      ...(part === 'status' && { status: given.status }),
      ...(part === 'finalize' && { spec: given.spec }),
    }
    if (part === 'main') {
      if (current.status === undefined) delete next.status
      else next.status = current.status
    }
    const changed = JSON.stringify(next.spec) !== JSON.stringify(current.spec)
    const generation = current.metadata.generation ?? 1
    Object.assign(next.metadata, { generation: changed && part === 'main' ? generation + 1 : generation })
    if (next.metadata.deletionTimestamp && !this.#lingers(resource, next)) this.#remove(resource, next)
    else this.#commit(resource, 'MODIFIED', next)
    return structuredClone(next) as unknown as T
  }

  /** Deleted, but still to be seen: it has finalizers, or its node has yet to end it. */
  #lingers(resource: Resource<KubeObject>, object: Any, { gracePeriodSeconds }: DeleteOptions = {}): boolean {
    if ((object.metadata.finalizers?.length ?? 0) > 0) return true
    if (id(resource) === id(resources.namespaces)) return (object as Namespace).spec?.finalizers?.length !== 0
    const pod = id(resource) === id(resources.pods) ? (object as Pod) : undefined
    const ended = pod?.status?.phase === 'Failed' || pod?.status?.phase === 'Succeeded'
    return Boolean(pod?.spec?.nodeName) && gracePeriodSeconds !== 0 && !ended
  }

  #remove(resource: Resource<KubeObject>, object: Any): void {
    this.#commit(resource, 'DELETED', object)
  }

  #commit(resource: Resource<KubeObject>, type: Logged['type'], object: Any): void {
    const revision = ++this.#revision
    const next = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
    next.metadata = { ...object.metadata, resourceVersion: String(revision) }
    Object.assign(object.metadata, { resourceVersion: String(revision) })
    if (type === 'DELETED') this.#table(resource).delete(objectKey(object))
    else this.#table(resource).set(objectKey(object), next)
    this.#log.push({ revision, resource: id(resource), type, object: next })
    for (const wake of this.#wake) wake()
  }
}

function id({ group, plural }: Resource<KubeObject>): string {
  return `${group}/${plural}`
}

function groupResource({ group, plural }: Resource<KubeObject>) {
  return { group, resource: plural }
}

function apiVersionOf({ group, version }: Resource<KubeObject>): string {
  return group ? `${group}/${version}` : version
}
