/** When a part that ended is started again. Pure. */

const firstMs = 100
const maxMs = 10_000
/** A part that ran this long was well: its next end is a new story. */
const healthyMs = 30_000

export class Backoff {
  #failures = 0

  /** Milliseconds to wait before the next start, after a run of `ranMs`. The first restart is immediate. */
  next(ranMs: number): number {
    if (ranMs >= healthyMs) this.#failures = 0
    const delay = this.#failures === 0 ? 0 : Math.min(maxMs, firstMs * 2 ** (this.#failures - 1))
    this.#failures++
    return delay
  }
}
