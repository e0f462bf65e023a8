/**
 * Watches: each first reads history until it has caught up, then is told of commits. Both happen in the event loop's
 * own turns, and a watch goes live in the turn in which it finds nothing left to read, so there is no gap.
 */
import { type Change, StoreError, type Watch, type WatchHandlers, type WatchRequest } from '../contract.ts'
import type { ChangesRead } from './records.ts'

/** What the watches read history from. */
export interface History {
  /** The last durable revision. */
  readonly revision: number
  readonly compacted: number
  /** All changes of the revisions `from` to `to`, in order, or up to an earlier revision when these are large. */
  changes(from: number, to: number): ChangesRead
}

/** History is read in pieces, so that a long one does not stop everything else. */
const revisionsPerTurn = 500

interface Watcher {
  readonly prefix: string
  readonly handlers: WatchHandlers
  /** The first revision not delivered yet. */
  next: number
  open: boolean
}

export class Watches {
  readonly #history: History
  readonly #live = new Set<Watcher>()
  readonly #catchingUp = new Set<Watcher>()

  constructor(history: History) {
    this.#history = history
  }

  open({ prefix, fromRevision }: WatchRequest, handlers: WatchHandlers): Watch {
    const next = fromRevision ?? this.#history.revision + 1
    if (next <= this.#history.compacted) throw compactedError(next, this.#history.compacted)
    const watcher: Watcher = { prefix, handlers, next, open: true }
    if (next > this.#history.revision) {
      this.#live.add(watcher)
    } else {
      this.#catchingUp.add(watcher)
      setImmediate(() => this.#catchUp(watcher))
    }
    return { close: () => this.#remove(watcher) }
  }

  #catchUp(watcher: Watcher): void {
    if (!watcher.open) return
    if (watcher.next <= this.#history.compacted) {
      this.#end(watcher, compactedError(watcher.next, this.#history.compacted))
      return
    }
    const to = Math.min(this.#history.revision, watcher.next + revisionsPerTurn - 1)
    let read: ChangesRead
    try {
      read = this.#history.changes(watcher.next, to)
    } catch (cause) {
      this.#end(watcher, new StoreError('failed', 'reading the history failed', { cause, retry: true }))
      return
    }
    const from = watcher.next
    watcher.next = read.reached + 1
    // Live before the handlers run: they may commit or close, but only a later turn can change the store.
    if (watcher.next > this.#history.revision) {
      this.#catchingUp.delete(watcher)
      this.#live.add(watcher)
    } else {
      setImmediate(() => this.#catchUp(watcher))
    }
    deliver(watcher, read.changes, from)
    if (watcher.open && this.#live.has(watcher)) watcher.handlers.caughtUp?.(read.reached)
  }

  /** Tells the live watches of changes that are durable; the others will read them. A watch opened by a handler wants later ones. */
  publish(changes: readonly Change[]): void {
    for (const watcher of this.#live) deliver(watcher, changes, watcher.next)
  }

  endAll(error: StoreError): void {
    for (const watcher of [...this.#live, ...this.#catchingUp]) this.#end(watcher, error)
  }

  #end(watcher: Watcher, error: StoreError): void {
    if (!watcher.open) return
    this.#remove(watcher)
    watcher.handlers.ended(error)
  }

  #remove(watcher: Watcher): void {
    watcher.open = false
    this.#live.delete(watcher)
    this.#catchingUp.delete(watcher)
  }
}

function deliver(watcher: Watcher, changes: readonly Change[], from: number): void {
  if (!watcher.open) return
  const { prefix } = watcher
  const wanted = changes.filter((c) => c.revision >= from && (c.type === 'put' ? c.kv.key : c.key).startsWith(prefix))
  if (wanted.length > 0) watcher.handlers.changes(wanted)
}

export function compactedError(revision: number, compacted: number): StoreError {
  return new StoreError('compacted', `revision ${revision} is gone: history is kept since ${compacted}`)
}
