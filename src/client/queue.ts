/**
 * A work queue of keys (client-go's rate-limited queue): a key waits at most once, is never worked on twice at a time,
 * and comes back with growing delay while its reconciliation fails.
 */

import { StatusError } from '../api/machinery/status.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { TransportError } from './transport.ts'

export interface WorkQueueOptions {
  readonly name: string
  /** Makes the world true for one key. Throwing means "again, later". */
  readonly reconcile: (key: string) => Promise<void>
  /** Keys worked on at the same time; default 1. */
  readonly concurrency?: number
  /** Waiting keys with more of it are worked on first; absent: first come, first served. */
  readonly priority?: (key: string) => number
  /** How long a key stays away that fails again and again: from the first to the last. Default: 5 ms to 1,000 s. */
  readonly backoff?: Backoff
  readonly log: Logger
  readonly clock?: Clock
}

export interface Backoff {
  readonly minMs: number
  readonly maxMs: number
}

const usualBackoff: Backoff = { minMs: 5, maxMs: 1_000_000 }

export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #clock: Clock
  readonly #waiting = new Set<string>()
  readonly #active = new Set<string>()
  /** Keys added again while they were being worked on. */
  readonly #dirty = new Set<string>()
  readonly #failures = new Map<string, number>()
  readonly #timers = new Map<string, { at: number; cancel: () => void }>()
  #running = false
  #scheduled = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Waiting and active keys. */
  get length(): number {
    return this.#waiting.size + this.#active.size
  }

  add(key: string): void {
    if (this.#active.has(key)) this.#dirty.add(key)
    else {
      this.#waiting.add(key)
      this.#schedule()
    }
  }

  /** Adds the key after `ms`, unless an earlier timer for it is pending. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) return this.add(key)
    const at = this.#clock.now().getTime() + ms
    const pending = this.#timers.get(key)
    if (pending && pending.at <= at) return
    pending?.cancel()
    const cancel = this.#clock.setTimeout(() => {
      this.#timers.delete(key)
      this.add(key)
    }, ms)
    this.#timers.set(key, { at, cancel })
  }

  /** Begins to work, until the signal aborts. Keys added before wait. */
  run(signal: AbortSignal): void {
    this.#running = true
    signal.addEventListener('abort', () => {
      this.#running = false
      for (const { cancel } of this.#timers.values()) cancel()
      this.#timers.clear()
    })
    this.#schedule()
  }

  /** Work starts in the next turn, so that a burst of events becomes one reconciliation. */
  #schedule(): void {
    if (this.#scheduled || !this.#running) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#fill()
    })
  }

  #fill(): void {
    for (const key of this.#inOrder()) {
      if (!this.#running || this.#active.size >= (this.#options.concurrency ?? 1)) return
      this.#waiting.delete(key)
      this.#active.add(key)
      void this.#work(key)
    }
  }

  #inOrder(): Iterable<string> {
    const { priority } = this.#options
    if (!priority) return this.#waiting
    return [...this.#waiting].sort((a, b) => priority(b) - priority(a))
  }

  async #work(key: string): Promise<void> {
    try {
      await this.#options.reconcile(key)
      this.#failures.delete(key)
    } catch (error) {
      this.#retry(key, error)
    }
    this.#active.delete(key)
    if (this.#dirty.delete(key)) this.#waiting.add(key)
    if (this.#waiting.size > 0) this.#schedule()
  }

  #retry(key: string, error: unknown): void {
    if (!this.#running) return
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    const { minMs, maxMs } = this.#options.backoff ?? usualBackoff
    const delayMs = Math.min(minMs * 2 ** failures, maxMs)
    this.#options.log[isOrdinary(error) ? 'debug' : 'warn'](
      { err: error, key, queue: this.#options.name, delayMs },
      'reconcile failed, will retry',
    )
    this.addAfter(key, delayMs)
  }
}

/** Conflicts and a server that is away are part of life; a retry settles them. */
function isOrdinary(error: unknown): boolean {
  return error instanceof TransportError || (error instanceof StatusError && error.reason === 'Conflict')
}
