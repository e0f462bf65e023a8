/** How far a pod has come: which init container it is at, whether its containers may run, whether it is over. Pure. */
import type { Container, Pod } from '../../api/generated/v1.ts'
import type { Attempt, PodObservation } from '../runtime/contract.ts'
import type { Knowledge } from './decide.ts'
import { isFormer, isRegularInit, isSidecar, isToRunAnew, mustRestartAll, shouldRestart } from './restart.ts'

export interface Progress {
  /** Sidecars that have been started before: kept running. */
  readonly kept: readonly Container[]
  /** The init container it is at, or the main containers, in order. */
  readonly next: readonly Container[]
}

export function progressOf(pod: Pod, observed: PodObservation, known: Knowledge): Progress {
  const inits = pod.spec?.initContainers ?? []
  const mains = pod.spec?.containers ?? []
  const at = mainsHaveBegun(pod, observed) ? inits.length : currentInit(pod, observed, known)
  const kept = inits.slice(0, at).filter((container) => isSidecar(pod, container))
  const current = inits[at]
  return { kept, next: current ? [current] : mains }
}

function hasBegun(observed: PodObservation, { name }: Container): boolean {
  const run = observed.containers.get(name)?.current
  return run !== undefined && !isFormer(observed, run)
}

function mainsHaveBegun({ spec }: Pod, observed: PodObservation): boolean {
  return spec?.containers.some((container) => hasBegun(observed, container)) ?? false
}

/**
 * Index of the init container that has to come further; their number when all have. One that was begun tells that those
 * before it were done once: a sidecar among them that is down now holds nobody back.
 */
function currentInit(pod: Pod, observed: PodObservation, known: Knowledge): number {
  const inits = pod.spec?.initContainers ?? []
  const newest = inits.findLastIndex((container) => hasBegun(observed, container))
  const container = inits[newest]
  if (!container) return 0
  return isInitDone(pod, container, observed.containers.get(container.name)?.current, known) ? newest + 1 : newest
}

function isInitDone(pod: Pod, container: Container, run: Attempt | undefined, known: Knowledge): boolean {
  if (isRegularInit(pod, container)) return run?.exit?.code === 0
  if (run?.pid === undefined || run.exit) return false
  const knowledge = known.get(container.name)
  return knowledge ? knowledge.started && !knowledge.postStart : !container.startupProbe
}

/** Its deadline (`activeDeadlineSeconds`) has passed. */
export function isPastDeadline({ spec, status }: Pod, now: Date): boolean {
  if (spec?.activeDeadlineSeconds === undefined || !status?.startTime) return false
  return now.getTime() >= new Date(status.startTime).getTime() + spec.activeDeadlineSeconds * 1000
}

export function isFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

/** Nothing of it will run again: deleted, ended, or ending. */
export function isEnding(pod: Pod, observed: PodObservation, now: Date): boolean {
  return pod.metadata.deletionTimestamp !== undefined || isFinished(pod) || hasEndedForGood(pod, observed, now)
}

/** Nothing of it but sidecars will run again. */
export function hasEndedForGood(pod: Pod, observed: PodObservation, now: Date): boolean {
  if (isPastDeadline(pod, now)) return true
  if (mustRestartAll(pod, observed)) return false
  const over = (container: Container) => {
    const run = observed.containers.get(container.name)?.current
    return run?.exit !== undefined && !isToRunAnew(observed, run) && !shouldRestart(pod, container, run.exit.code)
  }
  const mains = pod.spec?.containers ?? []
  if (mains.length > 0 && mains.every(over)) return true
  return !mainsHaveBegun(pod, observed) && (pod.spec?.initContainers ?? []).some((init) => failedForGood(init))

  function failedForGood(init: Container): boolean {
    return over(init) && observed.containers.get(init.name)?.current.exit?.code !== 0
  }
}
