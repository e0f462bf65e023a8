/**
 * Watches. A watch costs nothing while nothing happens; a change is encoded once for all watches of one flavour.
 *
 *   initial state or history ──┐
 *   live changes of the cache ─┴─> notices (what this watch's selectors see) ─> lines ─> the response body
 */
import { expired, internalError, type StatusError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import { type Change, StoreError } from '../../store/contract.ts'
import { Entry } from '../cache/entry.ts'
import { CacheEvent, encodeLine, type Flavour, plainFlavour } from '../cache/event.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { ServerContext } from '../context.ts'
import type { Accepted, IncludeObject } from '../http/negotiation.ts'
import { jsonType } from '../http/respond.ts'
import type { ServedResource } from '../registry.ts'
import { LineQueue } from './line-queue.ts'
import { type ListOptions, parseResourceVersion } from './options.ts'
import type { Selection } from './selection.ts'
import { partialFlavour, tableFlavours } from './table.ts'

export interface WatchRequest {
  readonly resource: ServedResource
  readonly options: ListOptions
  readonly selection: Selection
  readonly accepted: Accepted
  readonly include: IncludeObject
  readonly signal: AbortSignal | undefined
}

/** Without a timeout from the client a watch lasts between this and twice this, so that not all end together. */
const durationMinSeconds = 1800
/** A last bookmark is sent this long before the end. */
const lastBookmarkMs = 2000

export async function watch(context: ServerContext, request: WatchRequest): Promise<ApiResponse> {
  const from = parseResourceVersion(request.options.resourceVersion)
  const cache = await context.feed.cache(request.resource)
  if (request.options.resourceVersion === '') await context.feed.current()
  const session = new WatchSession(context, request)
  if (from === 0) session.startWithState(cache)
  else session.startAfter(cache, from)
  session.limitTo(request.options.timeoutSeconds)
  return { status: 200, headers: { ...jsonType, 'cache-control': 'no-cache, private' }, body: session.body }
}

class WatchSession {
  readonly body: LineQueue
  readonly #context: ServerContext
  readonly #request: WatchRequest
  readonly #flavours: { first: Flavour; rest: Flavour }
  readonly #cleanups: (() => void)[] = []
  #sentAny = false

  constructor(context: ServerContext, request: WatchRequest) {
    this.#context = context
    this.#request = request
    this.#flavours = flavoursOf(context, request)
    this.body = new LineQueue(() => {
      for (const cleanup of this.#cleanups) cleanup()
    })
    const { signal } = request
    if (signal) {
      const abort = () => this.body.close()
      signal.addEventListener('abort', abort, { once: true })
      this.#cleanups.push(() => signal.removeEventListener('abort', abort))
      if (signal.aborted) abort()
    }
    if (request.options.allowWatchBookmarks) this.#cleanups.push(context.bookmarks.add(() => this.#bookmark()))
  }

  /** What exists comes as ADDED, then what happens. */
  startWithState(cache: ResourceCache): void {
    const state = cache.list('').filter(this.#request.selection.matches)
    this.body.begin(state.map((entry) => encodeLine({ type: 'ADDED', entry }, this.#nextFlavour())))
    this.#follow(cache)
  }

  /** What happened after `revision`, from memory or the store's history, then what happens. */
  startAfter(cache: ResourceCache, revision: number): void {
    const missed = cache.changesSince(revision)
    if (!missed) return this.#followStore(revision)
    for (const event of missed) this.#tell(event)
    this.#follow(cache, revision)
  }

  limitTo(timeoutSeconds: number | undefined): void {
    const { clock } = this.#context
    const seconds = timeoutSeconds || durationMinSeconds * (1 + Math.random())
    this.#cleanups.push(clock.setTimeout(() => this.body.end(), seconds * 1000))
    if (!this.#request.options.allowWatchBookmarks) return
    const last = Math.max(0, seconds * 1000 - lastBookmarkMs)
    this.#cleanups.push(clock.setTimeout(() => this.#bookmark(), last))
  }

  #follow(cache: ResourceCache, after = 0): void {
    const unsubscribe = cache.subscribe(
      // A version from the future (of a store since restored, say) means: nothing before it.
      (event) => event.revision > after && this.#tell(event),
      () => this.body.end(),
    )
    this.#cleanups.push(unsubscribe)
  }

  #followStore(revision: number): void {
    const { resource } = this.#request
    try {
      const watching = this.#context.store.watch(
        { prefix: resource.prefix, fromRevision: revision + 1 },
        {
          changes: (changes) => {
            for (const change of changes) this.#tell(eventOf(resource, change))
          },
          ended: (error) => this.#fail(error, revision),
        },
      )
      this.#cleanups.push(() => watching.close())
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#fail(error, revision)
    }
  }

  #tell(event: CacheEvent): void {
    const notice = event.noticeFor(this.#request.selection.matches)
    if (notice) this.body.push(event.line(notice, this.#nextFlavour()))
  }

  #nextFlavour(): Flavour {
    if (this.#sentAny) return this.#flavours.rest
    this.#sentAny = true
    return this.#flavours.first
  }

  #bookmark(): void {
    const { definition, apiVersion } = this.#request.resource
    const metadata = { resourceVersion: String(this.#context.feed.revision), creationTimestamp: null }
    const as = this.#request.accepted.as
    const object =
      as === 'table'
        ? { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: null, rows: [] }
        : as === 'metadata'
          ? { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
          : { kind: definition.kind, apiVersion, metadata }
    this.body.push(Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`))
  }

  /** The stream has begun, so the error goes into it. */
  #fail(error: StoreError, revision: number): void {
    if (error.code === 'closed') return this.body.end()
    const failure: StatusError =
      error.code === 'compacted'
        ? expired(`too old resource version: ${revision} (${this.#context.feed.revision})`)
        : internalError(error.message)
    this.body.push(Buffer.from(`${JSON.stringify({ type: 'ERROR', object: failure.status })}\n`))
    this.body.end()
  }
}

function eventOf(resource: ServedResource, change: Change): CacheEvent {
  const { previous } = change
  const current =
    change.type === 'put' ? Entry.fromStored(resource, change.kv.key, change.revision, change.kv.value) : undefined
  const before = previous && Entry.fromStored(resource, previous.key, previous.modRevision, previous.value)
  return new CacheEvent(change.revision, current, before)
}

function flavoursOf(context: ServerContext, request: WatchRequest): { first: Flavour; rest: Flavour } {
  switch (request.accepted.as) {
    case 'object':
      return { first: plainFlavour, rest: plainFlavour }
    case 'metadata':
      return { first: partialFlavour, rest: partialFlavour }
    case 'table':
      return tableFlavours(request.resource, request.include, () => context.clock.now())
  }
}
