/**
 * What to do next for a pod: a pure function of the pod as the API has it and of what the machine shows. Every sync
 * starts over from both, so that an agent that just started decides as one that has run for days.
 */
import type { Container, Pod } from '../../api/generated/v1.ts'
import type { Attempt, ContainerRuns, PodObservation } from '../runtime/contract.ts'
import { hasEndedForGood, isFinished, progressOf } from './progress.ts'
import {
  backOffLeftMs,
  callsForAll,
  isFormer,
  isRegularInit,
  isSidecar,
  isToRunAnew,
  mustRestartAll,
  nextCrashes,
  restartable,
  restartingAll,
  shouldRestart,
} from './restart.ts'
import { graceOf, stopAll, stopOne } from './stopping.ts'

/** What the agent itself knows of a container besides the machine. */
export interface ContainerKnowledge {
  /** No readiness probe: ready while it runs. */
  readonly ready: boolean
  /** Its startup probe succeeded, or it has none. */
  readonly started: boolean
  /** A liveness or startup probe failed for good. */
  readonly unhealthy?: 'liveness' | 'startup'
  /** Its postStart hook runs, or why that failed. */
  readonly postStart?: { readonly failure?: string }
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
  /** All its containers have ended, to begin anew: init containers first. */
  | { readonly type: 'restartSandbox' }
  /** It will not run again: its network and namespaces go, its logs stay. */
  | { readonly type: 'stopSandbox' }
  /** Everything has ended: take the pod off the machine. */
  | { readonly type: 'removePod' }
  /** Nothing until then, unless something happens. */
  | { readonly type: 'wait'; readonly ms: number; readonly container?: string }

export function nextActions(pod: Pod, observed: PodObservation, known: Knowledge, now: Date): Action[] {
  if (pod.metadata.deletionTimestamp) return terminate(pod, observed, now)
  if (isFinished(pod)) return finish(pod, observed, now)
  if (hasEndedForGood(pod, observed, now)) return stopAll(pod, observed, { why: '', graceSeconds: graceOf(pod), now })
  if (observed.sandbox && mustRestartAll(pod, observed)) return restartAll(pod, observed, now)
  if (!observed.sandbox) {
    const why = 'Pod sandbox changed, it will be killed and re-created.'
    const running = stopAll(pod, observed, { why, graceSeconds: 0, now })
    return running.length > 0 ? running : [{ type: 'createSandbox' }]
  }
  return [...nextRuns(pod, observed, known, now), ...deadline(pod, now)]
}

/** At once: neither hooks nor grace periods matter to what comes back in a moment. */
function restartAll(pod: Pod, observed: PodObservation, now: Date): Action[] {
  const running = restartable(pod).flatMap(({ name }) => {
    const run = observed.containers.get(name)?.current
    if (!run || run.exit) return []
    return stopOne(name, run, { why: restartingAll.message, graceSeconds: 0, now })
  })
  return running.length > 0 ? running : [{ type: 'restartSandbox' }]
}

function terminate(pod: Pod, observed: PodObservation, now: Date): Action[] {
  const actions = stopAll(pod, observed, { why: '', graceSeconds: graceOf(pod), now })
  return actions.length > 0 ? actions : [{ type: 'removePod' }]
}

/** A pod that ran to its end keeps its records and logs until it is deleted. */
function finish(pod: Pod, observed: PodObservation, now: Date): Action[] {
  const running = stopAll(pod, observed, { why: '', graceSeconds: graceOf(pod), now })
  return running.length === 0 && observed.remains ? [{ type: 'stopSandbox' }] : running
}

function deadline({ spec, status }: Pod, now: Date): Action[] {
  if (spec?.activeDeadlineSeconds === undefined || !status?.startTime) return []
  const at = new Date(status.startTime).getTime() + spec.activeDeadlineSeconds * 1000
  return [{ type: 'wait', ms: at - now.getTime() }]
}

/** Containers that should run now: those begun already, and the next ones in order. */
function nextRuns(pod: Pod, observed: PodObservation, known: Knowledge, now: Date): Action[] {
  const { kept, next } = progressOf(pod, observed, known)
  // Those for debugging first: they must not wait for an init container that fails.
  const before: Container[] = [...(pod.spec?.ephemeralContainers ?? []), ...kept]
  const actions = before.flatMap((container) => nextForContainer(pod, container, observed, known, now))
  for (const container of next) {
    actions.push(...nextForContainer(pod, container, observed, known, now))
    // The containers after it wait for its postStart hook.
    const runs = observed.containers.get(container.name)
    const starting = !runs || runs.current.exit ? container.lifecycle?.postStart : isInPostStart(known, container)
    if (starting) break
  }
  return actions
}

export function isInPostStart(known: Knowledge, { name }: Container): boolean {
  const postStart = known.get(name)?.postStart
  return postStart !== undefined && postStart.failure === undefined
}

function nextForContainer(
  pod: Pod,
  container: Container,
  observed: PodObservation,
  known: Knowledge,
  now: Date,
): Action[] {
  const runs = observed.containers.get(container.name)
  const knowledge = known.get(container.name)
  if (!runs) return startOrWait(container, 0, 0, knowledge, now)
  const { current } = runs
  if (!current.exit) return stopIfSick(pod, container, current, knowledge, now)
  if (isToRunAnew(observed, current) && !callsForAll(container, current)) {
    return startOrWait(container, current.attempt + 1, current.crashes, knowledge, now)
  }
  const anew = isFormer(observed, current) && isRegularInit(pod, container)
  if (!anew && !shouldRestart(pod, container, current.exit.code)) return []
  const left = backOffLeftMs(current, now)
  if (left > 0) return [{ type: 'wait', ms: left, container: container.name }]
  return startOrWait(container, current.attempt + 1, nextCrashes(current), knowledge, now)
}

function stopIfSick(
  pod: Pod,
  container: Container,
  current: Attempt,
  knowledge: ContainerKnowledge | undefined,
  now: Date,
): Action[] {
  const { unhealthy, postStart } = knowledge ?? {}
  if (!unhealthy && postStart?.failure === undefined && !current.stopping) return []
  const why = postStart?.failure === undefined ? sickness(pod, container, unhealthy) : 'FailedPostStartHook'
  const graceSeconds = current.stopping?.graceSeconds ?? probeGrace(pod, container, unhealthy)
  return stopOne(container.name, current, { why, graceSeconds, now })
}

/** Of a container that was ended. */
const killedCode = 137

function sickness(pod: Pod, container: Container, kind: 'liveness' | 'startup' = 'liveness'): string {
  const { name } = container
  if (isSidecar(pod, container)) return `Init container ${name} failed ${kind} probe`
  const message = `Container ${name} failed ${kind} probe`
  return shouldRestart(pod, container, killedCode) ? `${message}, will be restarted` : message
}

function probeGrace(pod: Pod, container: Container, kind: 'liveness' | 'startup' | undefined): number {
  const probe = kind === 'startup' ? container.startupProbe : kind && container.livenessProbe
  return probe?.terminationGracePeriodSeconds ?? graceOf(pod)
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

export function runningRuns(runs: ContainerRuns | undefined): boolean {
  return runs?.current.pid !== undefined && !runs.current.exit
}
