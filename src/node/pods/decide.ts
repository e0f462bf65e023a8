/**
 * What to do next for a pod: a pure function of the pod as the API has it and of what the machine shows. Every sync
 * starts over from both, so that an agent that just started decides as one that has run for days.
 */
import type { Container, Pod } from '../../api/generated/v1.ts'
import type { Attempt, ContainerRuns, PodObservation } from '../runtime/contract.ts'

/** What the agent itself knows of a container besides the machine. */
export interface ContainerKnowledge {
  /** No readiness probe: ready while it runs. */
  readonly ready: boolean
  /** Its startup probe succeeded, or it has none. */
  readonly started: boolean
  /** A liveness or startup probe failed for good. */
  readonly unhealthy?: 'liveness' | 'startup'
  /** Why it cannot be started, and when to try again (milliseconds since the epoch). */
  readonly problem?: { readonly reason: string; readonly message: string; readonly retryAt: number }
}

export type Knowledge = ReadonlyMap<string, ContainerKnowledge>

export type Action =
  | { readonly type: 'createSandbox' }
  | {
      readonly type: 'startContainer'
      readonly container: Container
      readonly attempt: number
      readonly crashes: number
    }
  /** Asks it to end; `why` is shown in the Event. */
  | { readonly type: 'stopContainer'; readonly name: string; readonly graceSeconds: number; readonly why: string }
  | { readonly type: 'killContainer'; readonly name: string }
  /** It will not run again: its network and namespaces go, its logs stay. */
  | { readonly type: 'stopSandbox' }
  /** Everything has ended: take the pod off the machine. */
  | { readonly type: 'removePod' }
  /** Nothing until then, unless something happens. */
  | { readonly type: 'wait'; readonly ms: number; readonly container?: string }

const defaultGraceSeconds = 30
const backOffFirstMs = 10_000
const backOffMaxMs = 300_000
/** A run this long ends a series of crashes. */
const healthyRunMs = 600_000

export function nextActions(pod: Pod, observed: PodObservation, known: Knowledge, now: Date): Action[] {
  if (pod.metadata.deletionTimestamp) return terminate(observed, graceOf(pod), now)
  if (isFinished(pod)) return finish(observed, now)
  if (!observed.sandbox) {
    const running = stopAll(observed, 'Pod sandbox changed, it will be killed and re-created.', 0, now)
    return running.length > 0 ? running : [{ type: 'createSandbox' }]
  }
  const init = nextInit(pod, observed, known, now)
  if (init) return init
  return (pod.spec?.containers ?? []).flatMap((container) => nextForContainer(pod, container, observed, known, now))
}

function graceOf({ metadata, spec }: Pod): number {
  return metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds
}

function terminate(observed: PodObservation, graceSeconds: number, now: Date): Action[] {
  const actions = stopAll(observed, '', graceSeconds, now)
  return actions.length > 0 ? actions : [{ type: 'removePod' }]
}

/** A pod that ran to its end keeps its records and logs until it is deleted. */
function finish(observed: PodObservation, now: Date): Action[] {
  const running = stopAll(observed, '', 0, now)
  return running.length === 0 && observed.remains ? [{ type: 'stopSandbox' }] : running
}

export function isFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

function stopAll(observed: PodObservation, why: string, graceSeconds: number, now: Date): Action[] {
  return [...observed.containers].flatMap(([name, { current }]) =>
    current.exit ? [] : stopOne(name, current, { why, graceSeconds, now }),
  )
}

interface StopRequest {
  readonly why: string
  readonly graceSeconds: number
  readonly now: Date
}

function stopOne(name: string, current: Attempt, { why, graceSeconds, now }: StopRequest): Action[] {
  // It has not begun yet; its start is an event.
  if (current.pid === undefined) return [{ type: 'wait', ms: 1000 }]
  const { stopping } = current
  // A shorter period than the one it was given counts from now (`kubectl delete --now` after `kubectl delete`).
  if (!stopping || stopping.graceSeconds > graceSeconds) return [{ type: 'stopContainer', name, graceSeconds, why }]
  const left = new Date(stopping.at).getTime() + stopping.graceSeconds * 1000 - now.getTime()
  return left > 0
    ? [{ type: 'wait', ms: left }]
    : [
        { type: 'killContainer', name },
        { type: 'wait', ms: 1000 },
      ]
}

/** Init containers run one after the other; undefined when all have succeeded or the main containers have begun. */
function nextInit(pod: Pod, observed: PodObservation, known: Knowledge, now: Date): Action[] | undefined {
  if (pod.spec?.containers.some(({ name }) => observed.containers.has(name))) return undefined
  for (const container of pod.spec?.initContainers ?? []) {
    const runs = observed.containers.get(container.name)
    if (runs?.current.exit?.code === 0) continue
    return nextForContainer(
      pod,
      container,
      observed,
      known,
      now,
      pod.spec?.restartPolicy === 'Never' ? 'Never' : 'OnFailure',
    )
  }
  return undefined
}

function nextForContainer(
  pod: Pod,
  container: Container,
  { containers }: PodObservation,
  known: Knowledge,
  now: Date,
  policy = pod.spec?.restartPolicy ?? 'Always',
): Action[] {
  const runs = containers.get(container.name)
  const knowledge = known.get(container.name)
  if (!runs) return startOrWait(container, 0, 0, knowledge, now)
  const { current } = runs
  if (!current.exit) {
    if (!knowledge?.unhealthy && !current.stopping) return []
    const why = `Container ${container.name} failed ${knowledge?.unhealthy ?? 'liveness'} probe, will be restarted`
    const graceSeconds = current.stopping?.graceSeconds ?? probeGrace(pod, container, knowledge?.unhealthy)
    return stopOne(container.name, current, { why, graceSeconds, now })
  }
  if (!shouldRestart(policy, current.exit.code)) return []
  const left = backOffLeftMs(current, now)
  if (left > 0) return [{ type: 'wait', ms: left, container: container.name }]
  return startOrWait(container, current.attempt + 1, nextCrashes(current), knowledge, now)
}

function probeGrace({ spec }: Pod, container: Container, kind: 'liveness' | 'startup' | undefined): number {
  const probe = kind === 'startup' ? container.startupProbe : container.livenessProbe
  return probe?.terminationGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds
}

function startOrWait(
  container: Container,
  attempt: number,
  crashes: number,
  knowledge: ContainerKnowledge | undefined,
  now: Date,
): Action[] {
  const wait = (knowledge?.problem?.retryAt ?? 0) - now.getTime()
  if (wait > 0) return [{ type: 'wait', ms: wait, container: container.name }]
  return [{ type: 'startContainer', container, attempt, crashes }]
}

export function shouldRestart(policy: string, code: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && code !== 0)
}

function ranWell({ startedAt, exit }: Attempt): boolean {
  if (!startedAt || !exit) return false
  return new Date(exit.finishedAt).getTime() - new Date(startedAt).getTime() > healthyRunMs
}

function nextCrashes(run: Attempt): number {
  return ranWell(run) ? 1 : run.crashes + 1
}

/** The whole delay after this run ended: none the first time, then 10 s, doubling up to five minutes. */
export function backOffMs(run: Attempt): number {
  if (run.crashes === 0 || ranWell(run)) return 0
  return Math.min(backOffFirstMs * 2 ** (run.crashes - 1), backOffMaxMs)
}

export function backOffLeftMs(run: Attempt, now: Date): number {
  if (!run.exit) return 0
  return new Date(run.exit.finishedAt).getTime() + backOffMs(run) - now.getTime()
}

/** The Event's words; the status says it with the delay. */
export function crashLoopMessage({ metadata }: Pod, container: string): string {
  return `Back-off restarting failed container ${container} in pod ${metadata.name}_${metadata.namespace}(${metadata.uid})`
}

export function runningRuns(runs: ContainerRuns | undefined): boolean {
  return runs?.current.pid !== undefined && !runs.current.exit
}
