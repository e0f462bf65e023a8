/** One timer for the bookmarks of all watches; it runs only while there are watches that want them. */
import type { Clock } from '../../lib/clock.ts'

const intervalMs = 60_000

export class BookmarkTicker {
  readonly #clock: Clock
  readonly #watches = new Set<() => void>()
  #cancel: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `tick` about once a minute until the returned function is called. */
  add(tick: () => void): () => void {
    this.#watches.add(tick)
    this.#cancel ??= this.#schedule()
    return () => {
      this.#watches.delete(tick)
      if (this.#watches.size > 0) return
      this.#cancel?.()
      this.#cancel = undefined
    }
  }

  #schedule(): () => void {
    return this.#clock.setTimeout(() => {
      this.#cancel = this.#schedule()
      for (const tick of this.#watches) tick()
    }, intervalMs)
  }
}
