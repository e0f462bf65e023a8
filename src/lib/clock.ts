/** Time as a port: real, or driven by a test. */

export interface Clock {
  now(): Date
  /** Calls `fn` once after `ms`; the returned function cancels. A pending timer keeps the process alive. */
  setTimeout(fn: () => void, ms: number): () => void
}

/** setTimeout's longest delay; Node fires longer ones at once. */
const timerMaxMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date(),
  setTimeout(fn, ms) {
    const timer = setTimeout(fn, Math.min(ms, timerMaxMs))
    return () => clearTimeout(timer)
  },
}

/** A clock that stands still until `advance`. */
export class FakeClock implements Clock {
  #now: number
  #timers: { at: number; fn: () => void }[] = []

  constructor(start: string | number = '2026-01-01T00:00:00Z') {
    this.#now = new Date(start).getTime()
  }

  now(): Date {
    return new Date(this.#now)
  }

  setTimeout(fn: () => void, ms: number): () => void {
    const timer = { at: this.#now + ms, fn }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer)
    }
  }

  /** Runs every timer that falls due within `ms`, in order, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#timers = this.#timers.filter((t) => t !== due)
      this.#now = Math.max(this.#now, due.at)
      due.fn()
    }
    this.#now = end
  }
}
