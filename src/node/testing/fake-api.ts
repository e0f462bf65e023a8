/**
 * As much of an API server as an agent meets: objects by path, watches, merge patches, deletion with grace. It refuses
 * what the real one refuses of an agent: unknown objects, names that exist, patches of another pod of the same name.
 */
import { randomUUID } from 'node:crypto'
import type { TokenRequest } from '../../api/generated/authentication.k8s.io.v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { alreadyExistsError, conflictError, notFoundError, StatusError } from '../../api/machinery/status.ts'
import type { ApiRequest, ApiResponse, Transport } from '../../client/index.ts'

interface WatchEvent {
  readonly type: string
  readonly object: KubeObject
}

interface Watcher {
  readonly collection: string
  /** `metadata.name=…`; '' is everything. */
  readonly fieldSelector: string
  push(event: WatchEvent): void
}

type Json = Record<string, unknown>

export class FakeApi implements Transport {
  /** By collection path, then by object path. */
  readonly #objects = new Map<string, KubeObject>()
  readonly #watchers = new Set<Watcher>()
  readonly #history: { readonly revision: number; readonly path: string; readonly event: WatchEvent }[] = []
  readonly #waiting = new Set<() => void>()
  #revision = 1
  readonly tokenRequests: TokenRequest[] = []

  /** Objects under a path: `/api/v1/namespaces/default/pods`. */
  list<T extends KubeObject>(prefix: string): T[] {
    return [...this.#objects].filter(([path]) => inCollection(path, prefix)).map(([, object]) => object as T)
  }

  get(path: string): KubeObject | undefined {
    return this.#objects.get(path)
  }

  /** Creates or replaces, as a user would. */
  put(collection: string, object: KubeObject): void {
    this.#store(`${collection}/${object.metadata.name}`, object)
  }

  /** `kubectl delete`. */
  deleteGracefully(path: string, graceSeconds: number): void {
    const object = this.#objects.get(path)
    if (!object) throw new Error(`no object ${path}`)
    const deletion = { deletionTimestamp: new Date().toISOString(), deletionGracePeriodSeconds: graceSeconds }
    this.#store(path, { ...object, metadata: { ...object.metadata, ...deletion } })
  }

  remove(path: string): void {
    const object = this.#objects.get(path)
    if (!object) return
    this.#objects.delete(path)
    this.#announce('DELETED', path, this.#stamped(object))
  }

  /** Resolves when `condition` holds; it is asked after every change. Rejects with `what` when time is up. */
  async until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!condition()) {
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`waited ${timeoutMs} ms for ${what}`)
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, left)
        this.#waiting.add(wake)
      })
    }
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    try {
      return this.#route(request)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      return reply(error.code, error.status)
    }
  }

  close(): void {
    this.#watchers.clear()
  }

  #route({ method, path: pathAndQuery, body, signal }: ApiRequest): ApiResponse {
    const url = new URL(pathAndQuery, 'http://api')
    const path = decodeURIComponent(url.pathname)
    const value = body === undefined ? {} : (JSON.parse(body.toString()) as Json)
    switch (method) {
      case 'GET':
        if (url.searchParams.get('watch')) return this.#watch(path, url.searchParams, signal)
        if (isCollection(path)) {
          const items = this.list(path).filter((object) =>
            isSelected(object, url.searchParams.get('fieldSelector') ?? ''),
          )
          return reply(200, { metadata: { resourceVersion: String(this.#revision) }, items })
        }
        return reply(200, this.#existing(path))
      case 'POST':
        if (path.endsWith('/token')) return reply(201, this.#token(path, value as unknown as TokenRequest))
        return reply(201, this.#create(path, value as unknown as KubeObject))
      case 'PUT':
        return reply(200, this.#store(path, value as unknown as KubeObject))
      case 'PATCH':
        return reply(200, this.#patch(path.replace(/\/status$/, ''), value))
      default:
        this.remove(path)
        return reply(200, {})
    }
  }

  #existing(path: string): KubeObject {
    const found = this.#objects.get(path)
    if (found) return found
    const [name = '', resource = ''] = path.split('/').reverse()
    throw notFoundError({ group: '', resource }, name)
  }

  #create(collection: string, object: KubeObject): KubeObject {
    const path = `${collection}/${object.metadata.name}`
    if (this.#objects.has(path)) throw alreadyExistsError({ group: '', resource: '' }, object.metadata.name)
    return this.#store(path, object)
  }

  /** Tokens are `NAME-1`, `NAME-2` … and live as long as is asked. */
  #token(path: string, request: TokenRequest): TokenRequest {
    const [, name = ''] = path.split('/').reverse()
    const seconds = request.spec?.expirationSeconds ?? 3600
    const expirationTimestamp = new Date(Date.now() + seconds * 1000).toISOString()
    this.tokenRequests.push(request)
    return { ...request, status: { token: `${name}-${this.tokenRequests.length}`, expirationTimestamp } }
  }

  #patch(path: string, patch: Json): KubeObject {
    const current = this.#existing(path)
    const uid = (patch['metadata'] as Json | undefined)?.['uid']
    if (uid !== undefined && uid !== current.metadata.uid) {
      throw conflictError({ group: '', resource: 'pods' }, current.metadata.name, 'uid differs')
    }
    const version = (patch['metadata'] as Json | undefined)?.['resourceVersion']
    if (version !== undefined && version !== current.metadata.resourceVersion) {
      throw conflictError({ group: '', resource: 'pods' }, current.metadata.name, 'the object has been modified')
    }
    return this.#store(path, merge(current, patch) as KubeObject)
  }

  #store(path: string, object: KubeObject): KubeObject {
    const known = this.#objects.has(path)
    const stored = this.#stamped(object)
    this.#objects.set(path, stored)
    this.#announce(known ? 'MODIFIED' : 'ADDED', path, stored)
    return stored
  }

  #stamped(object: KubeObject): KubeObject {
    const uid = object.metadata.uid ?? randomUUID()
    return { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(++this.#revision) } }
  }

  #announce(type: string, path: string, object: KubeObject): void {
    this.#history.push({ revision: this.#revision, path, event: { type, object } })
    for (const watcher of this.#watchers) if (isWatched(path, object, watcher)) watcher.push({ type, object })
    for (const wake of this.#waiting) wake()
  }

  #watch(collection: string, query: URLSearchParams, signal?: AbortSignal): ApiResponse {
    const since = Number(query.get('resourceVersion') ?? this.#revision)
    const selection = { collection, fieldSelector: query.get('fieldSelector') ?? '' }
    const encode = (event: WatchEvent) => Buffer.from(`${JSON.stringify(event)}\n`)
    const pending = this.#history
      .filter(({ revision, path, event }) => revision > since && isWatched(path, event.object, selection))
      .map(({ event }) => encode(event))
    let wake = () => {}
    const watcher: Watcher = {
      ...selection,
      push: (event) => {
        pending.push(encode(event))
        wake()
      },
    }
    this.#watchers.add(watcher)
    signal?.addEventListener('abort', () => {
      this.#watchers.delete(watcher)
      wake()
    })
    const body = async function* () {
      for (;;) {
        if (signal?.aborted) return
        const next = pending.shift()
        if (next) yield next
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    }
    return { status: 200, headers: {}, body: body() }
  }
}

function isSelected({ metadata }: KubeObject, fieldSelector: string): boolean {
  return (
    fieldSelector === '' || !fieldSelector.startsWith('metadata.name=') || fieldSelector.endsWith(`=${metadata.name}`)
  )
}

function isWatched(path: string, object: KubeObject, watcher: Pick<Watcher, 'collection' | 'fieldSelector'>): boolean {
  return inCollection(path, watcher.collection) && isSelected(object, watcher.fieldSelector)
}

/** Cluster-wide collections contain every namespace's objects. */
function inCollection(path: string, collection: string): boolean {
  const parent = path.slice(0, path.lastIndexOf('/'))
  return parent === collection || parent.replace(/\/namespaces\/[^/]+(?=\/)/, '') === collection
}

function isCollection(path: string): boolean {
  const parts = path.replace(/^\/(api|apis\/[^/]+)\/[^/]+\//, '').split('/')
  return parts[0] === 'namespaces' ? parts.length === 3 : parts.length === 1
}

function merge(current: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const result: Json = current !== null && typeof current === 'object' ? { ...(current as Json) } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merge(result[key], value)
  }
  return result
}

function reply(status: number, value: unknown): ApiResponse {
  const body = async function* () {
    yield Buffer.from(JSON.stringify(value))
  }
  return { status, headers: {}, body: body() }
}
