/**
 * Which revision of each Service and its slices is in the kernel, since when, and how long it took from the watch event
 * to the commit. Pure: it is told what happens; times come in.
 */
import type { Family } from '../plan/types.ts'
import type { Tracker } from './tracker.ts'

/** The revisions of a Service and its slices as one pass took them. */
export interface Revisions {
  readonly service: string
  readonly slices: readonly { readonly name: string; readonly family: Family; readonly resourceVersion: string }[]
}

export interface Programmed extends Revisions {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly latencyMs: number
}

/** `now` is wall time, `tick` a clock that never jumps; both in milliseconds. */
export interface Moment {
  readonly now: number
  readonly tick: number
}

export class Journal {
  readonly #tracker: Pick<Tracker, 'revisions'>
  readonly #programmed = new Map<string, Programmed>()
  /** Service → when the oldest event that no pass has taken came. */
  #heard = new Map<string, number>()
  /** What passes have taken and the kernel has not confirmed. */
  readonly #taken = new Map<string, { readonly heard: number; readonly revisions: Revisions | undefined }>()

  constructor(tracker: Pick<Tracker, 'revisions'>) {
    this.#tracker = tracker
  }

  /** An event about this Service, or a slice of it, came. */
  heard(service: string, tick: number): void {
    if (!this.#heard.has(service)) this.#heard.set(service, tick)
  }

  /** A pass carries everything heard so far. */
  taken(): void {
    for (const [service, heard] of this.#heard) {
      const earlier = this.#taken.get(service)?.heard ?? heard
      this.#taken.set(service, { heard: earlier, revisions: this.#tracker.revisions(service) })
    }
    this.#heard = new Map()
  }

  /** What was taken is in the kernel. */
  committed({ now, tick }: Moment): void {
    for (const [service, { heard, revisions }] of this.#taken) {
      if (revisions) this.#programmed.set(service, { ...revisions, at: now, latencyMs: tick - heard })
      else this.#programmed.delete(service)
    }
    this.#taken.clear()
  }

  programmed(service: string): Programmed | undefined {
    return this.#programmed.get(service)
  }

  /** Something about the Service is known that is not in the kernel. */
  isPending(service: string): boolean {
    return this.#heard.has(service) || this.#taken.has(service)
  }
}
