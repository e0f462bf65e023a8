/**
 * Counting ended pods exactly once (KEP-2307). A pod keeps its finalizer until its uid stands in the status; then the
 * finalizer goes, then the uid becomes a number:
 *
 *   ended pod → uid in uncountedTerminatedPods → finalizer removed → counter
 *
 * Whoever is stopped in between goes on from what is written. Pure.
 */
import { isIndexed } from '../../api/batch/conditions.ts'
import type { IndexSet } from '../../api/batch/indexes.ts'
import type { Job, JobCondition, JobStatus } from '../../api/generated/batch.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import type { Standing } from './assess.ts'
import { judgeFailure } from './failure-policy.ts'
import { completionIndex, isPodFailed, isPodSucceeded, isTracked, validIndex } from './pods.ts'

/** More uids would make the status too large, and this Job keep others waiting. */
const uncountedMax = 500

export interface TrackInput {
  readonly job: Job
  readonly pods: readonly Pod[]
  readonly released: ReadonlySet<string>
  readonly standing: Standing
  /** The Job is over: so are all its pods. */
  readonly verdict: JobCondition | undefined
}

export interface Tracking {
  /** Counters and uids; everything else of the status is as it was. */
  readonly status: JobStatus
  /** Pods whose finalizers may go once the status is written. */
  readonly release: readonly Pod[]
  /** There are more than one pass may count. */
  readonly more: boolean
}

export function track(input: TrackInput): Tracking {
  const { job, standing } = input
  const status = countReleased(job.status ?? {}, trackedUids(input))
  const succeeded = [...(status.uncountedTerminatedPods?.succeeded ?? [])]
  const failed = [...(status.uncountedTerminatedPods?.failed ?? [])]
  const indexes: number[] = []
  const release: Pod[] = []
  let more = false
  for (const pod of inOrder(input)) {
    if (!mayRelease(input, pod)) continue
    release.push(pod)
    const uid = pod.metadata.uid ?? ''
    if (isPodSucceeded(pod) && !failed.includes(uid)) {
      const index = validIndex(pod, job)
      if (!isIndexed(job)) addOnce(succeeded, uid)
      else if (index !== undefined && !standing.countedIndexes.has(index)) indexes.push(index)
    } else if (countsAsFailed(input, pod)) addOnce(failed, uid)
    more = indexes.length + succeeded.length + failed.length >= uncountedMax
    if (more) break
  }
  const uncountedTerminatedPods = {
    ...(succeeded.length > 0 && { succeeded }),
    ...(failed.length > 0 && { failed }),
  }
  const counted = isIndexed(job) ? countIndexes(standing, indexes) : {}
  return { status: { ...status, uncountedTerminatedPods, ...counted }, release, more }
}

function addOnce(list: string[], uid: string): void {
  if (!list.includes(uid)) list.push(uid)
}

function trackedUids({ pods, released }: Pick<TrackInput, 'pods' | 'released'>): Set<string> {
  const uids = pods.filter(isTracked).map(({ metadata }) => metadata.uid ?? '')
  return new Set(uids.filter((uid) => !released.has(uid)))
}

/** Pods to look at: those with a finalizer, by index so that sets of them grow in order. */
function inOrder({ job, pods, released }: TrackInput): Pod[] {
  const tracked = pods.filter((pod) => isTracked(pod) && !released.has(pod.metadata.uid ?? ''))
  if (!isIndexed(job)) return tracked
  return tracked.sort((a, b) => (completionIndex(a) ?? -1) - (completionIndex(b) ?? -1))
}

function mayRelease({ job, standing, verdict }: TrackInput, pod: Pod): boolean {
  if (job.metadata.deletionTimestamp || verdict || isPodSucceeded(pod)) return true
  if (!isPodFailed(pod, job)) return false
  const index = completionIndex(pod)
  const waiting = index === undefined ? undefined : standing.awaitingReplacement.get(index)
  return waiting?.metadata.uid !== pod.metadata.uid
}

function countsAsFailed({ job, verdict }: TrackInput, pod: Pod): boolean {
  const jobFailed = verdict !== undefined && verdict.type !== 'SuccessCriteriaMet'
  if (!isPodFailed(pod, job) && !jobFailed) return false
  if (isIndexed(job) && validIndex(pod, job) === undefined) return false
  return judgeFailure(job, pod).counts
}

function countIndexes({ countedIndexes, failedIndexes }: Standing, succeeded: readonly number[]): Partial<JobStatus> {
  const completed: IndexSet = countedIndexes.with(succeeded)
  return {
    succeeded: completed.size,
    completedIndexes: String(completed),
    ...(failedIndexes && { failedIndexes: String(failedIndexes) }),
  }
}

/** Uids of pods that have no finalizer any more become numbers. */
export function countReleased(status: JobStatus, tracked: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  const left = {
    succeeded: succeeded.filter((uid) => tracked.has(uid)),
    failed: failed.filter((uid) => tracked.has(uid)),
  }
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + succeeded.length - left.succeeded.length,
    failed: (status.failed ?? 0) + failed.length - left.failed.length,
    uncountedTerminatedPods: {
      ...(left.succeeded.length > 0 && { succeeded: left.succeeded }),
      ...(left.failed.length > 0 && { failed: left.failed }),
    },
  }
}

export function hasUncounted({ uncountedTerminatedPods: uncounted }: JobStatus): boolean {
  return (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0) > 0
}
