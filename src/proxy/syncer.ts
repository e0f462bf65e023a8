/**
 * Carries changes from the tracker to the kernel: one pass at a time, all events of a turn in one pass, at once when
 * quiet and with a minimum interval under bursts. A pass that fails is repeated as a full one.
 */
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { FlowCleaner } from './conntrack.ts'
import type { Mode, PacketCount, RuleCounts } from './modes/mode.ts'
import type { Family, PortChange, PortPlan } from './plan/types.ts'
import type { Tracker, TriggerTime } from './track/tracker.ts'

/** What a pass did in one family. `full`: all rules were written, not only differences. */
export interface FamilyPass {
  readonly family: Family
  readonly seconds: number
  readonly full: boolean
}

/** One successful pass. */
export interface SyncPass {
  /** One for each family that had changes. */
  readonly written: readonly FamilyPass[]
  readonly triggerTimes: readonly TriggerTime[]
  /** Families that have rules. */
  readonly families: readonly Family[]
}

export type SyncFailure = Pick<FamilyPass, 'family' | 'full'>

/** What the syncer reports; the metrics are fed from it. `now` is in milliseconds. */
export interface SyncObserver {
  /** An event wants a pass. */
  queued(now: number): void
  synced(now: number, pass: SyncPass): void
  failed(failure: SyncFailure): void
}

/** Follows what is in the kernel, pass by pass. */
export interface SyncFollower {
  /** A pass took all that the tracker held. */
  taken(): void
  /** It is in the kernel, with what earlier passes failed to bring there. */
  committed(changes: readonly PortChange[]): void
}

export interface SyncerOptions {
  readonly tracker: Tracker
  /** Makes the mode of a family when the first port of that family appears. */
  readonly makeMode: (family: Family) => Promise<Mode>
  readonly flows: FlowCleaner
  readonly clock: Clock
  readonly observer: SyncObserver
  readonly follower: SyncFollower
  readonly minIntervalMs: number
  readonly log: Logger
}

interface FamilyState {
  readonly mode: Mode
  /** The kernel's state is unknown or damaged. */
  replace: boolean
}

const retryMinMs = 100
const retryMaxMs = 30_000

export class Syncer {
  readonly #options: SyncerOptions
  readonly #families = new Map<Family, FamilyState>()
  #signal: AbortSignal | undefined
  #lastStart = Number.NEGATIVE_INFINITY
  #retryMs = retryMinMs
  #cancel: (() => void) | undefined
  /** Taken from the tracker and not yet in the kernel. */
  #open: PortChange[] = []
  #running = false
  #again = false

  constructor(options: SyncerOptions) {
    this.#options = options
  }

  /** The first pass; call when the tracker holds everything there is. Passes go on until the signal aborts. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#cancel?.())
    this.#options.observer.queued(this.#now())
    // IPv4 rules are there even without Services, so that what leads into them is in place.
    await this.#family(4)
    await this.#pass()
  }

  /** Something changed in the tracker. Cheap; call for every event. */
  poke(): void {
    if (!this.#signal) return
    this.#options.observer.queued(this.#now())
    this.#schedule(Math.max(0, this.#lastStart + this.#options.minIntervalMs - this.#now()))
  }

  /** Of every family that has rules. */
  counts(): (RuleCounts & { readonly family: Family })[] {
    return [...this.#families].flatMap(([family, { mode }]) => mode.counts().map((counts) => ({ family, ...counts })))
  }

  /** Counters of the kernel are not apart by family. */
  async packets(): Promise<readonly PacketCount[]> {
    return (await this.#families.get(4)?.mode.packets()) ?? []
  }

  #now(): number {
    return this.#options.clock.now().getTime()
  }

  #schedule(delayMs: number): void {
    if (this.#running) this.#again = true
    else this.#cancel ??= this.#options.clock.setTimeout(() => void this.#pass(), delayMs)
  }

  async #pass(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#running || this.#signal?.aborted) return
    this.#running = true
    this.#again = false
    this.#lastStart = this.#now()
    const ok = await this.#sync()
    this.#running = false
    if (!ok) {
      this.#schedule(this.#retryMs)
      this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs)
      return
    }
    this.#retryMs = retryMinMs
    if (this.#again) this.poke()
  }

  async #sync(): Promise<boolean> {
    const { tracker, observer, follower, log } = this.#options
    const started = performance.now()
    const { changes, triggerTimes } = tracker.flush()
    follower.taken()
    this.#open = [...this.#open, ...changes]
    let ok = true
    const written: FamilyPass[] = []
    for (const family of [4, 6] as const) {
      const own = changes.filter((change) => (change.after ?? change.before)?.family === family)
      try {
        const pass = await this.#syncFamily(family, own)
        if (pass) written.push(pass)
      } catch (error) {
        ok = false
        const state = this.#families.get(family)
        observer.failed({ family, full: state?.replace ?? true })
        if (state) state.replace = true
        log.error(
          { err: error, family: `IPv${family}`, retryMs: this.#retryMs },
          'sync failed; will write all rules anew',
        )
      }
    }
    if (ok) {
      observer.synced(this.#now(), { written, triggerTimes, families: [...this.#families.keys()] })
      follower.committed(this.#open)
      this.#open = []
      const ms = Math.round(performance.now() - started)
      log.debug({ changes: changes.length, full: written.some((pass) => pass.full), ms }, 'synced')
    }
    return ok
  }

  /** Undefined: there was nothing to do. */
  async #syncFamily(family: Family, changes: readonly PortChange[]): Promise<FamilyPass | undefined> {
    if (changes.length === 0 && !this.#families.get(family)?.replace) return undefined
    const started = performance.now()
    const state = await this.#family(family)
    const full = state.replace
    if (full) {
      await state.mode.replace(this.#plans(family))
      state.replace = false
    } else await state.mode.update(changes)
    if (full || changes.some((change) => FlowCleaner.concerns(change)))
      await this.#options.flows.clean(
        family,
        this.#plans(family),
        this.#open.flatMap(({ before }) => (before?.family === family ? before : [])),
      )
    return { family, seconds: (performance.now() - started) / 1000, full }
  }

  #plans(family: Family): PortPlan[] {
    return [...this.#options.tracker.plans()].filter((plan) => plan.family === family)
  }

  async #family(family: Family): Promise<FamilyState> {
    const existing = this.#families.get(family)
    if (existing) return existing
    const state: FamilyState = { mode: await this.#options.makeMode(family), replace: true }
    this.#families.set(family, state)
    if (this.#signal) state.mode.watch((what) => this.#repair(state, what), this.#signal)
    return state
  }

  #repair(state: FamilyState, what: string): void {
    if (!state.replace) this.#options.log.warn({ what }, 'rules were changed by somebody else; writing them anew')
    state.replace = true
    this.poke()
  }
}
