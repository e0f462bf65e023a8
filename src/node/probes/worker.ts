/** One probe of one running container, again and again. Time and the check itself come in from outside. */
import type { Probe } from '../../api/generated/v1.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ProbeOutcome } from './check.ts'

export type ProbeKind = 'liveness' | 'readiness' | 'startup'

export interface ProbeWorkerOptions {
  readonly kind: ProbeKind
  readonly probe: Probe
  /** When the container started; the initial delay counts from then. */
  readonly startedAt: Date
  /** What is believed until the first outcome. */
  readonly initial: boolean
  readonly clock: Clock
  readonly check: () => Promise<ProbeOutcome>
  /** Readiness and liveness wait for the startup probe. */
  readonly mayRun: () => boolean
  /** `result` has changed. */
  readonly changed: () => void
  /** A failure that counts, for the Event. */
  readonly failed: (message: string) => void
  readonly warned: (message: string) => void
  /** It could not be made, and counts neither way. */
  readonly errored: (message: string) => void
}

/**
 * A container is often not listening yet when its first probe comes. Until it has succeeded once, and within its first
 * period, probes follow each other quickly and their failures do not count: ready is seen at once, as early as can be.
 */
const eagerFirstMs = 10
const eagerGrowth = 1.5

export class ProbeWorker {
  readonly #options: ProbeWorkerOptions
  #result: boolean
  #inARow = 0
  #lastOk: boolean | undefined
  #eagerUntil: number | undefined
  #eagerDelay = eagerFirstMs
  #cancel: () => void = () => {}
  #stopped = false

  constructor(options: ProbeWorkerOptions) {
    this.#options = options
    this.#result = options.initial
  }

  get result(): boolean {
    return this.#result
  }

  start(): void {
    const { probe, startedAt, clock } = this.#options
    const first = startedAt.getTime() + (probe.initialDelaySeconds ?? 0) * 1000
    this.#schedule(Math.max(0, first - clock.now().getTime()))
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  /** Something it waited for has happened. */
  wake(): void {
    if (this.#eagerUntil === undefined) this.start()
  }

  #schedule(ms: number): void {
    if (this.#stopped) return
    this.#cancel()
    this.#cancel = this.#options.clock.setTimeout(() => void this.#probe(), ms)
  }

  async #probe(): Promise<void> {
    const { clock, check, mayRun } = this.#options
    if (!mayRun()) return
    this.#eagerUntil ??= clock.now().getTime() + this.#periodMs
    const outcome = await check().catch((error: Error) => error)
    if (this.#stopped) return
    const failed = outcome instanceof Error || !outcome.ok
    if (failed && this.#isEager()) {
      this.#schedule(this.#eagerDelay)
      this.#eagerDelay *= eagerGrowth
      return
    }
    if (outcome instanceof Error) this.#options.errored(outcome.message)
    else this.#count(outcome)
    this.#schedule(this.#periodMs)
  }

  get #periodMs(): number {
    return (this.#options.probe.periodSeconds ?? 10) * 1000
  }

  #isEager(): boolean {
    const { kind, clock } = this.#options
    if (kind === 'liveness' || this.#lastOk !== undefined || this.#result) return false
    return clock.now().getTime() + this.#eagerDelay < (this.#eagerUntil ?? 0)
  }

  #count({ ok, message, warning }: ProbeOutcome): void {
    const { probe, changed, failed, warned } = this.#options
    if (warning !== undefined) warned(warning)
    this.#inARow = ok === this.#lastOk ? this.#inARow + 1 : 1
    this.#lastOk = ok
    if (!ok) failed(message)
    const threshold = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
    if (this.#inARow < threshold || (this.#result === ok && !this.#isFinalFailure(ok))) return
    this.#result = ok
    changed()
  }

  /** A startup probe begins as failed; its failing for good is news all the same. */
  #isFinalFailure(ok: boolean): boolean {
    return !ok && this.#options.kind === 'startup'
  }

  /** It has failed as often as allowed. */
  get exhausted(): boolean {
    return this.#lastOk === false && this.#inARow >= (this.#options.probe.failureThreshold ?? 3)
  }
}
