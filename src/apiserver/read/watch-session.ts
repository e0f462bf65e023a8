/** One watch from its first line to its last. */
import { expired, internalError, type StatusError } from '../../api/machinery/status.ts'
import type { StoreError } from '../../store/contract.ts'
import type { Entry } from '../cache/entry.ts'
import type { CacheEvent, Flavour } from '../cache/event.ts'
import { type PieceForm, sharedPieces } from '../cache/pieces.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { ServerContext } from '../context.ts'
import { LineQueue } from './line-queue.ts'
import { replayStore } from './store-replay.ts'
import type { WatchRequest } from './watch.ts'
import type { WatchEncoding } from './watch-encoding.ts'

/** Without a timeout from the client a watch lasts between this and twice this, so that not all end together. */
const durationMinSeconds = 1800
/** A last bookmark is sent this long before the end. */
const lastBookmarkMs = 2000
/** Marks the bookmark that ends the initial events. KEP-3157 */
const initialEventsEnd = { 'k8s.io/initial-events-end': 'true' } as const

type Options = Pick<WatchRequest, 'resource' | 'namespace' | 'options' | 'selection' | 'signal'>

export class WatchSession {
  readonly body: LineQueue
  readonly #context: ServerContext
  readonly #request: Options
  readonly #cache: ResourceCache
  readonly #encoding: WatchEncoding
  readonly #cleanups: (() => void)[] = []
  #stopSource = () => {}
  /** What the next event is written in. */
  #flavour: Flavour
  /** Everything up to the present has been told; a bookmark says so. */
  #caughtUp = false

  constructor(
    context: ServerContext,
    request: Options,
    { cache, encoding }: { cache: ResourceCache; encoding: WatchEncoding },
  ) {
    this.#context = context
    this.#request = request
    this.#cache = cache
    this.#encoding = encoding
    this.#flavour = encoding.first
    this.body = new LineQueue(() => {
      this.#stopSource()
      for (const cleanup of this.#cleanups) cleanup()
    })
    const { signal, options } = request
    if (options.allowWatchBookmarks) this.#cleanups.push(context.bookmarks.add(() => this.#bookmark()))
    if (!signal) return
    const abort = () => this.body.close()
    signal.addEventListener('abort', abort, { once: true })
    this.#cleanups.push(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  }

  /** What the cache shows now. */
  get revision(): number {
    return Math.max(this.#context.feed.revision, this.#cache.revision)
  }

  /** What exists comes as ADDED, then what happens. */
  startWithState(): void {
    const { namespace, selection, options } = this.#request
    const { first, rest } = this.#encoding
    const listed = this.#cache.list(namespace)
    const state = selection.everything ? listed : listed.filter(selection.matches)
    this.body.addLazily(
      state === listed && first === rest ? sharedPieces(state, stateForm(rest)) : this.#stateLines(state),
    )
    if (options.allowWatchBookmarks) {
      const resourceVersion = String(this.revision)
      this.body.add(this.#encoding.bookmark({ resourceVersion, annotations: initialEventsEnd }))
    }
    if (state.length > 0) this.#flavour = rest
    this.#follow(this.revision)
  }

  /** What happened after `revision`, from memory or the store's history, then what happens. */
  startAfter(revision: number): void {
    if (this.#catchUpFromMemory(revision)) return
    this.#source(
      replayStore(this.#context.store, this.#request.resource, revision, {
        event: (event) => this.#notify(event),
        reached: (reached) => (this.body.full ? this.#pauseAfter(reached) : this.#catchUpFromMemory(reached)),
        failed: (error) => this.#failReplay(error, revision),
      }),
    )
  }

  limitTo(timeoutSeconds: number | undefined): void {
    const { clock } = this.#context
    const seconds = timeoutSeconds || durationMinSeconds * (1 + Math.random())
    this.#later(clock.setTimeout(() => this.body.end(), seconds * 1000))
    const last = seconds * 1000 - lastBookmarkMs
    if (!this.#request.options.allowWatchBookmarks || last < 0) return
    this.#later(clock.setTimeout(() => this.#bookmark(), last))
  }

  /** The stream has begun, so the error goes into it. */
  fail(error: StatusError): void {
    this.body.add(this.#encoding.error(error.status))
    this.body.end()
  }

  /** True when memory holds all later changes: they are told, and the cache is followed from there. */
  #catchUpFromMemory(revision: number): boolean {
    const missed = this.#cache.changesSince(revision)
    if (!missed) return false
    let told = revision
    for (const event of missed) {
      if (this.body.full && event.revision > told) return this.#pauseAfter(told)
      this.#notify(event)
      told = event.revision
    }
    this.#follow(Math.max(revision, this.revision))
    return true
  }

  /** A version from the future (of a store since restored, say) means: nothing before it. */
  #follow(after: number): void {
    let told = after
    const unsubscribe = this.#cache.subscribe(
      (event) => {
        if (event.revision <= after) return
        if (this.body.full && event.revision > told) {
          unsubscribe()
          this.#pauseAfter(told)
          return
        }
        told = event.revision
        this.#notify(event)
      },
      () => this.body.end(),
    )
    this.#source(unsubscribe)
    this.#caughtUp = true
  }

  /**
   * Nothing is kept for a reader that does not keep up: once it has read what there is, it is told what happened since,
   * from memory or the store's history. When that is gone by then, it is told so.
   */
  #pauseAfter(revision: number): true {
    this.#caughtUp = false
    this.body.whenRead(() => this.startAfter(revision))
    return true
  }

  /** Where changes come from now; `stop` is called when the watch ends, which may have been before this. */
  #source(stop: () => void): void {
    this.#stopSource = stop
    if (this.body.ended) stop()
  }

  /** Undone when the watch ends, which may have been before this. */
  #later(cleanup: () => void): void {
    if (this.body.ended) cleanup()
    else this.#cleanups.push(cleanup)
  }

  *#stateLines(state: readonly Entry[]): Generator<Buffer> {
    const { first, rest } = this.#encoding
    for (const [i, entry] of state.entries()) yield (i === 0 ? first : rest).encode({ type: 'ADDED', entry })
  }

  #notify(event: CacheEvent): void {
    const notice = event.noticeFor(this.#request.selection.matches)
    if (!notice) return
    const flavour = this.#flavour
    this.#flavour = this.#encoding.rest
    this.body.add(event.line(notice, flavour))
  }

  #bookmark(): void {
    if (!this.#caughtUp) return
    this.body.add(this.#encoding.bookmark({ resourceVersion: String(this.revision) }))
  }

  #failReplay(error: StoreError, revision: number): void {
    if (error.code === 'closed') this.body.end()
    else if (error.code !== 'compacted') this.fail(internalError(error.message))
    else this.fail(expired(`too old resource version: ${revision} (${this.#context.feed.revision})`))
  }
}

/** A state as the events that it begins with. */
function stateForm(flavour: Flavour): PieceForm {
  return { id: flavour.id, pieceBytes: 64 * 1024, encode: (entry) => flavour.encode({ type: 'ADDED', entry }) }
}
