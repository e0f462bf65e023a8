/** All probes of this node: starts workers when containers start, stops them when they end, and knows the results. */
import type { Container, Pod, Probe } from '../../api/generated/v1.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Attempt } from '../runtime/contract.ts'
import { type ProbeTarget, runProbe } from './check.ts'
import { type ProbeKind, ProbeWorker } from './worker.ts'

export interface ProberOptions {
  readonly clock: Clock
  readonly exec: (
    uid: string,
    container: string,
    command: readonly string[],
    timeoutMs: number,
  ) => ReturnType<ProbeTarget['exec']>
  readonly changed: (uid: string) => void
  /** For an Event; `warning`: it succeeded all the same. */
  readonly told: (news: ProbeNews) => void
}

export interface ProbeNews {
  readonly pod: Pod
  readonly container: Container
  readonly kind: ProbeKind
  readonly outcome: 'failed' | 'warning' | 'errored'
  readonly message: string
}

export function probeEvent({ kind, outcome, message }: ProbeNews): {
  readonly reason: string
  readonly message: string
} {
  const probe = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} probe`
  const words = outcome === 'errored' ? 'errored and resulted in unknown state' : outcome
  return { reason: outcome === 'warning' ? 'ProbeWarning' : 'Unhealthy', message: `${probe} ${words}: ${message}` }
}

export interface ProbeResults {
  readonly ready: boolean
  readonly started: boolean
  readonly unhealthy?: 'liveness' | 'startup'
}

interface Probed {
  readonly id: string
  readonly workers: ReadonlyMap<ProbeKind, ProbeWorker>
}

export class Prober {
  readonly #options: ProberOptions
  /** By pod uid and container name. */
  readonly #pods = new Map<string, Map<string, Probed>>()

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** Probes this run of the container; a former run's workers end. */
  watch(pod: Pod, container: Container, run: Attempt, podIP: string): void {
    const uid = pod.metadata.uid ?? ''
    const containers = this.#pods.get(uid) ?? new Map<string, Probed>()
    this.#pods.set(uid, containers)
    const known = containers.get(container.name)
    if (known?.id === run.id) return
    stopWorkers(known)
    const workers = this.#workers(pod, container, run, podIP)
    containers.set(container.name, { id: run.id, workers })
    for (const worker of workers.values()) worker.start()
  }

  /** The container ended, or is told to end: only readiness still matters then, until it has. */
  unwatch(uid: string, container: string, keep?: 'readiness'): void {
    const probed = this.#pods.get(uid)?.get(container)
    for (const [kind, worker] of probed?.workers ?? []) if (kind !== keep) worker.stop()
    if (!keep) this.#pods.get(uid)?.delete(container)
  }

  forget(uid: string): void {
    for (const probed of this.#pods.get(uid)?.values() ?? []) stopWorkers(probed)
    this.#pods.delete(uid)
  }

  results(uid: string, container: string): ProbeResults | undefined {
    const workers = this.#pods.get(uid)?.get(container)?.workers
    if (!workers) return undefined
    const started = workers.get('startup')?.result ?? true
    const unhealthy = unhealthyKind(workers)
    return { ready: started && (workers.get('readiness')?.result ?? true), started, ...(unhealthy && { unhealthy }) }
  }

  stop(): void {
    for (const uid of this.#pods.keys()) this.forget(uid)
  }

  #workers(pod: Pod, container: Container, run: Attempt, podIP: string): Map<ProbeKind, ProbeWorker> {
    const { clock, changed, told, exec } = this.#options
    const uid = pod.metadata.uid ?? ''
    const workers = new Map<ProbeKind, ProbeWorker>()
    const target: ProbeTarget = {
      podIP,
      container,
      exec: (command, timeoutMs) => exec(uid, container.name, command, timeoutMs),
    }
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
    const before = [...containerStatuses, ...initContainerStatuses].find((status) =>
      status.containerID?.endsWith(run.id),
    )
    for (const [kind, probe] of probesOf(container)) {
      const worker = new ProbeWorker({
        kind,
        probe,
        startedAt: new Date(run.startedAt ?? run.createdAt),
        // A container that a former agent saw ready is ready, until a probe says otherwise.
        initial: kind === 'liveness' || (kind === 'readiness' ? (before?.ready ?? false) : (before?.started ?? false)),
        clock,
        check: () => runProbe(probe, target),
        mayRun: () => kind === 'startup' || (workers.get('startup')?.result ?? true),
        changed: () => {
          if (kind === 'startup' && worker.result) startOthers(workers)
          changed(uid)
        },
        failed: (message) => told({ pod, container, kind, outcome: 'failed', message }),
        warned: (message) => told({ pod, container, kind, outcome: 'warning', message }),
        errored: (message) => told({ pod, container, kind, outcome: 'errored', message }),
      })
      workers.set(kind, worker)
    }
    return workers
  }
}

function probesOf({ livenessProbe, readinessProbe, startupProbe }: Container): [ProbeKind, Probe][] {
  const all: [ProbeKind, Probe | undefined][] = [
    ['startup', startupProbe],
    ['readiness', readinessProbe],
    ['liveness', livenessProbe],
  ]
  return all.filter((entry): entry is [ProbeKind, Probe] => entry[1] !== undefined)
}

function startOthers(workers: ReadonlyMap<ProbeKind, ProbeWorker>): void {
  workers.get('startup')?.stop()
  workers.get('readiness')?.wake()
  workers.get('liveness')?.wake()
}

function unhealthyKind(workers: ReadonlyMap<ProbeKind, ProbeWorker>): 'liveness' | 'startup' | undefined {
  if (workers.get('liveness')?.result === false) return 'liveness'
  const startup = workers.get('startup')
  return startup && !startup.result && startup.exhausted ? 'startup' : undefined
}

function stopWorkers(probed: Probed | undefined): void {
  for (const worker of probed?.workers.values() ?? []) worker.stop()
}
