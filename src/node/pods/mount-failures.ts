/** Tells of volumes that cannot be mounted: at once, then with growing delay for as long as it lasts. */
import type { Pod } from '../../api/generated/v1.ts'
import type { EventRecorder } from '../../client/index.ts'
import type { Clock } from '../../lib/clock.ts'

const firstDelayMs = 500
const delayMaxMs = 122_000

interface Failing {
  readonly times: number
  /** Milliseconds since the epoch. */
  readonly tellAt: number
}

export class MountFailures {
  readonly #events: EventRecorder
  readonly #clock: Clock
  readonly #pods = new Map<string, Failing>()

  constructor({ events, clock }: { readonly events: EventRecorder; readonly clock: Clock }) {
    this.#events = events
    this.#clock = clock
  }

  /** What the last try said; returns when to try again, in milliseconds, or undefined when all is well. */
  note(pod: Pod, failures: readonly string[]): number | undefined {
    const uid = pod.metadata.uid ?? ''
    if (failures.length === 0) {
      this.#pods.delete(uid)
      return undefined
    }
    const now = this.#clock.now().getTime()
    const { times, tellAt } = this.#pods.get(uid) ?? { times: 0, tellAt: now }
    // Something else woke us; a failure that lasts is no news.
    if (now < tellAt) return tellAt - now
    for (const message of failures) this.#events.event(pod, 'Warning', 'FailedMount', message)
    const delayMs = Math.min(firstDelayMs * 2 ** times, delayMaxMs)
    this.#pods.set(uid, { times: times + 1, tellAt: now + delayMs })
    return delayMs
  }

  forget(uid: string): void {
    this.#pods.delete(uid)
  }
}
