/** Asks containers to end: preStop hook, then the signal. That they have ended by their time is the manager's care. */
import type { Container, Pod } from '../../api/generated/v1.ts'
import type { EventRecorder } from '../../client/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Attempt, PodObservation, Runtime } from '../runtime/contract.ts'
import { drain, drainMs } from './drain.ts'
import { fieldPath } from './fields.ts'
import { runHook } from './hooks.ts'
import { hasItsTurn } from './stopping.ts'

export interface StopperOptions {
  readonly runtime: Runtime
  readonly events: EventRecorder
  readonly clock: Clock
  /** As of `drain`. */
  readonly leadsTo: (ip: string) => Promise<boolean>
  /** A container is ready for its signal. */
  readonly changed: (uid: string) => void
}

/** A number: it was signalled then, in milliseconds since the epoch. */
type Step = 'preparing' | 'prepared' | number

/** Half of the grace period at most is for the Services to follow, and this much where that is long. */
const drainMaxMs = 10_000
/** What a container has from its signal on, however long its preStop hook took. */
const lastMomentMs = 2000

export class Stopper {
  readonly #options: StopperOptions
  /** How far runs have come that were asked to end, by pod and run. */
  readonly #stopping = new Map<string, Map<string, Step>>()
  /** When pods end to drain in any case, in milliseconds since the epoch. */
  readonly #drainUntil = new Map<string, number>()

  constructor(options: StopperOptions) {
    this.#options = options
  }

  forget(uid: string): void {
    this.#stopping.delete(uid)
    this.#drainUntil.delete(uid)
  }

  /**
   * The next step of a container that is to end; called at every look at its pod. What a former agent began to stop is
   * asked again: whether it had been is not known. The grace period counts from before hook and signal.
   */
  advance(pod: Pod, container: Container, run: Attempt, observed: PodObservation): void {
    // It is killed at once.
    if (run.stopping?.graceSeconds === 0) return
    const uid = pod.metadata.uid ?? ''
    const steps = this.#stopping.get(uid) ?? new Map<string, Step>()
    this.#stopping.set(uid, steps)
    if (run.stopping) this.#drainUntil.set(uid, Date.parse(run.stopping.at) + drainMostMs(run.stopping))
    const step = steps.get(run.id)
    if (!step) {
      steps.set(run.id, 'preparing')
      const ready = this.#prepare(pod, container, run, observed)
      if (!ready) steps.set(run.id, 'prepared')
      else {
        void ready.then(() => {
          steps.set(run.id, 'prepared')
          this.#options.changed(uid)
        })
      }
    }
    if (steps.get(run.id) !== 'prepared' || !hasItsTurn(pod, container.name, observed, this.#options.clock.now()))
      return
    steps.set(run.id, this.#options.clock.now().getTime())
    this.#options.runtime.signal(uid, container.name, 'SIGTERM')
  }

  /** How long (milliseconds) a container is not to be killed yet whose grace period is over: its hook took it. */
  spared(uid: string, { lifecycle }: Container, { id, stopping }: Attempt): number {
    const step = this.#stopping.get(uid)?.get(id)
    if (!lifecycle?.preStop || !stopping || step === undefined) return 0
    const from = typeof step === 'number' ? step : Date.parse(stopping.at) + stopping.graceSeconds * 1000
    return Math.max(0, from + lastMomentMs - this.#options.clock.now().getTime())
  }

  /** Undefined when there is nothing to wait for. */
  #prepare(pod: Pod, container: Container, { stopping }: Attempt, { sandbox }: PodObservation) {
    const { runtime, events, clock, leadsTo } = this.#options
    const uid = pod.metadata.uid ?? ''
    const timeoutMs = (stopping?.graceSeconds ?? 0) * 1000
    const hook = container.lifecycle?.preStop
    const drains = pod.metadata.deletionTimestamp && timeoutMs >= 2 * drainMs && takesTraffic(pod)
    const ips = sandbox?.ips ?? []
    const until = () => this.#drainUntil.get(uid) ?? 0
    const waits: Promise<unknown>[] = drains ? [drain({ ips, leadsTo, until, clock })] : []
    if (hook && timeoutMs > 0) {
      const ran = runHook(hook, { runtime, pod, container, podIP: ips[0] ?? '', timeoutMs })
      const told = ran.then((failure) => {
        if (failure === undefined) return
        events.event(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', fieldPath(pod, container.name))
      })
      waits.push(told)
    }
    return waits.length > 0 ? Promise.all(waits) : undefined
  }
}

function drainMostMs({ graceSeconds }: { readonly graceSeconds: number }): number {
  return Math.min((graceSeconds * 1000) / 2, drainMaxMs)
}

function takesTraffic({ spec, status }: Pod): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
  return ready === true && spec?.hostNetwork !== true
}
