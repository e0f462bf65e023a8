/** Asks containers to end: preStop hook, then the signal. That they have ended by their time is the manager's care. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, Pod } from '../../api/generated/v1.ts'
import type { EventRecorder } from '../../client/index.ts'
import type { Logger } from '../../lib/log.ts'
import type { Runtime } from '../runtime/contract.ts'
import { fieldPath } from './fields.ts'
import { runHook } from './hooks.ts'

export interface StopperOptions {
  readonly runtime: Runtime
  readonly events: EventRecorder
  readonly log: Logger
}

/**
 * A pod leaves its Services because of the same event that stops it. So that no connection made meanwhile is refused,
 * a ready pod goes on for as long as endpoints and rules take to follow.
 */
const drainMs = 500

export class Stopper {
  readonly #options: StopperOptions
  /** Runs that were asked to end, by pod. */
  readonly #stopping = new Map<string, Set<string>>()

  constructor(options: StopperOptions) {
    this.#options = options
  }

  forget(uid: string): void {
    this.#stopping.delete(uid)
  }

  /** What a former agent began to stop is asked again: whether it had been is not known. */
  stopOnce(pod: Pod, container: Container, id: string, graceSeconds: number): void {
    const uid = pod.metadata.uid ?? ''
    const asked = this.#stopping.get(uid) ?? new Set<string>()
    if (asked.has(id)) return
    this.#stopping.set(uid, asked.add(id))
    this.#stop(pod, container, graceSeconds).catch((error: unknown) =>
      this.#options.log.warn({ err: error, pod: pod.metadata.name }, 'stopping a container failed'),
    )
  }

  /** The hook first, then the signal; the grace period counts from before both. */
  async #stop(pod: Pod, container: Container, graceSeconds: number): Promise<void> {
    const { runtime, events } = this.#options
    const uid = pod.metadata.uid ?? ''
    const { name } = container
    const hook = container.lifecycle?.preStop
    if (pod.metadata.deletionTimestamp && graceSeconds * 1000 >= 2 * drainMs && takesTraffic(pod)) await sleep(drainMs)
    if (hook && graceSeconds > 0) {
      const podIP = runtime.observe(uid).sandbox?.ips[0] ?? ''
      const failure = await runHook(hook, { runtime, uid, container, podIP, timeoutMs: graceSeconds * 1000 })
      if (failure) events.event(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', fieldPath(name))
    }
    runtime.signal(uid, name, 'SIGTERM')
  }
}

function takesTraffic({ spec, status }: Pod): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
  return ready === true && spec?.hostNetwork !== true
}
