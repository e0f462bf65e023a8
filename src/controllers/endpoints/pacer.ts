/**
 * Few writes for many changes: a Service's first change after a quiet time is worked on at once, changes that follow
 * wait until a gap since the last one has passed. The gap grows while the burst lasts, up to what the Service's size
 * warrants: three pods that become ready one after the other must not wait, five thousand must not be rewritten for each.
 */
import type { WorkQueue } from '../../client/queue.ts'
import type { Clock } from '../../lib/clock.ts'

const gapMinMs = 5
const gapMaxMs = 200
/** The longest gap of a small Service, and what each endpoint adds to it. */
const smallGapMaxMs = 20
const gapPerEndpointMs = 0.04
/** Quiet for this long ends a burst. */
const quietMs = 500

export class Pacer {
  readonly #queue: Pick<WorkQueue, 'add' | 'addAfter'>
  readonly #clock: Clock
  readonly #writes = new Map<string, { at: number; gapMs: number }>()

  constructor(queue: Pick<WorkQueue, 'add' | 'addAfter'>, clock: Clock) {
    this.#queue = queue
    this.#clock = clock
  }

  /** A change that `key` must take up. */
  add(key: string): void {
    const last = this.#writes.get(key)
    const waitMs = last ? last.at + last.gapMs - this.#now() : 0
    if (waitMs > 0) this.#queue.addAfter(key, waitMs)
    else this.#queue.add(key)
  }

  /** A write for `key`, which has this many endpoints, was just made. */
  wrote(key: string, endpoints: number): void {
    const now = this.#now()
    const last = this.#writes.get(key)
    const burst = last !== undefined && now - last.at < quietMs
    const longest = Math.min(smallGapMaxMs + endpoints * gapPerEndpointMs, gapMaxMs)
    this.#writes.set(key, { at: now, gapMs: burst ? Math.min(last.gapMs * 2, longest) : gapMinMs })
  }

  forget(key: string): void {
    this.#writes.delete(key)
  }

  #now(): number {
    return this.#clock.now().getTime()
  }
}
