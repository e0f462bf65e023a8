/** Where a Job stands: what its pods and its status say together. Pure. */

import { isIndexed, jobCondition } from '../../api/batch/conditions.ts'
import { IndexSet } from '../../api/batch/indexes.ts'
import { isPodActive, isPodTerminal, isPodTerminating, podReady } from '../../api/core/pod/conditions.ts'
import type { Job, JobCondition } from '../../api/generated/batch.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { type Failures, recordEnds } from './backoff.ts'
import { judgeFailure } from './failure-policy.ts'
import {
  completionIndex,
  failureCounts,
  finishedAt,
  isPodFailed,
  isPodSucceeded,
  isTracked,
  validIndex,
} from './pods.ts'

export interface Input {
  readonly job: Job
  /** All pods of the Job. */
  readonly pods: readonly Pod[]
  /** Uids of pods whose finalizer is gone, though the cache may still show it: they are counted. */
  readonly released: ReadonlySet<string>
  readonly failures: Failures
  readonly now: Date
}

export interface Standing {
  readonly active: readonly Pod[]
  /** Active and ready. */
  readonly ready: number
  /** Being deleted and not ended yet. */
  readonly terminating: number
  readonly succeeded: number
  readonly failures: Failures
  /** Counted in the status already. */
  readonly countedIndexes: IndexSet
  readonly succeededIndexes: IndexSet
  /** Undefined where indexes have no limit of their own. */
  readonly failedIndexes: IndexSet | undefined
  /** Failed pods that stay until their replacement knows how often their index failed. */
  readonly awaitingReplacement: ReadonlyMap<number, Pod>
  /** The Job is over for this reason, as far as its pods and the clock can tell. */
  readonly verdict: JobCondition | undefined
}

export function assess(input: Input): Standing {
  const { job, pods } = input
  const ended = newlyEnded(input)
  const active = pods.filter(isPodActive)
  const indexes = isIndexed(job) ? indexesOf(input) : noIndexes
  const uncounted = job.status?.uncountedTerminatedPods
  const counted = job.status?.succeeded ?? 0
  const succeeded = isIndexed(job)
    ? indexes.succeededIndexes.size
    : counted + ended.succeeded.length + (uncounted?.succeeded?.length ?? 0)
  const failed =
    (job.status?.failed ?? 0) +
    ended.failed.filter((pod) => judgeFailure(job, pod).counts).length +
    (uncounted?.failed?.length ?? 0)
  return {
    active,
    ready: active.filter(podReady).length,
    terminating: pods.filter((pod) => isPodTerminating(pod) && !isPodTerminal(pod)).length,
    succeeded,
    failures: recordEnds(input.failures, ended),
    ...indexes,
    awaitingReplacement: indexes.failedIndexes ? awaitingReplacement(input, indexes) : new Map(),
    verdict: verdictOf(input, { failed, ...indexes }),
  }
}

/** Ended pods that the status knows nothing of. */
function newlyEnded({ job, pods, released }: Input): { succeeded: Pod[]; failed: Pod[] } {
  const { succeeded = [], failed = [] } = job.status?.uncountedTerminatedPods ?? {}
  const fresh = pods.filter((pod) => {
    const uid = pod.metadata.uid ?? ''
    if (!isTracked(pod) || released.has(uid)) return false
    return !isIndexed(job) || validIndex(pod, job) !== undefined
  })
  return {
    succeeded: fresh.filter((pod) => isPodSucceeded(pod) && !succeeded.includes(pod.metadata.uid ?? '')),
    failed: fresh.filter((pod) => isPodFailed(pod, job) && !failed.includes(pod.metadata.uid ?? '')),
  }
}

type Indexes = Pick<Standing, 'countedIndexes' | 'succeededIndexes' | 'failedIndexes'>
const noIndexes: Indexes = {
  countedIndexes: IndexSet.none,
  succeededIndexes: IndexSet.none,
  failedIndexes: undefined,
}

function indexesOf({ job, pods }: Input): Indexes {
  const { completions = 0, backoffLimitPerIndex } = job.spec ?? {}
  const countedIndexes = IndexSet.read(job.status?.completedIndexes, completions)
  const indexesWhere = (test: (pod: Pod) => boolean) =>
    pods.flatMap((pod) => {
      const index = validIndex(pod, job)
      return index !== undefined && test(pod) ? [index] : []
    })
  const succeededIndexes = countedIndexes.with(indexesWhere((pod) => isPodSucceeded(pod) && isTracked(pod)))
  if (backoffLimitPerIndex === undefined) return { countedIndexes, succeededIndexes, failedIndexes: undefined }
  const failedBefore = IndexSet.read(job.status?.failedIndexes, completions)
  const failedIndexes = failedBefore.with(indexesWhere((pod) => isIndexFailed(job, pod)))
  return { countedIndexes, succeededIndexes, failedIndexes }
}

function isIndexFailed(job: Job, pod: Pod): boolean {
  if (!isPodFailed(pod, job)) return false
  const { action, counts } = judgeFailure(job, pod)
  return action === 'FailIndex' || (counts && failureCounts(pod).counted >= (job.spec?.backoffLimitPerIndex ?? 0))
}

/** By index, the last failed pod of each that gets another try and has none yet. */
function awaitingReplacement({ job, pods, released }: Input, indexes: Indexes): Map<number, Pod> {
  const waiting = new Map<number, Pod>()
  const uncounted = job.status?.uncountedTerminatedPods?.failed ?? []
  for (const pod of pods) {
    const uid = pod.metadata.uid ?? ''
    const index = validIndex(pod, job)
    if (index === undefined || !isTracked(pod) || released.has(uid) || uncounted.includes(uid)) continue
    if (!isPodFailed(pod, job) || indexes.succeededIndexes.has(index) || indexes.failedIndexes?.has(index)) continue
    const other = waiting.get(index)
    if (!other || isLater(pod, other)) waiting.set(index, pod)
  }
  for (const pod of pods) {
    const index = completionIndex(pod) ?? -1
    const replaced = waiting.get(index)
    if (replaced && !isPodFailed(pod, job) && attempts(pod) > attempts(replaced)) waiting.delete(index)
  }
  return waiting
}

function isLater(pod: Pod, other: Pod): boolean {
  return attempts(pod) >= attempts(other) && finishedAt(pod) >= finishedAt(other)
}

function attempts(pod: Pod): number {
  const { counted, ignored } = failureCounts(pod)
  return counted + ignored
}

/** The end of the Job, if this is it: decided before, or by failures, deadlines, and policies now. */
function verdictOf(input: Input, counts: Indexes & { readonly failed: number }): JobCondition | undefined {
  const { job, now } = input
  const success = jobCondition(job, 'SuccessCriteriaMet')
  if (success?.status === 'True') return success
  const target = jobCondition(job, 'FailureTarget')
  if (target?.status === 'True') return newCondition('Failed', target, now)
  const failure = failureOf(input, counts)
  if (failure) return newCondition('FailureTarget', failure, now)
  const success2 = successByPolicy(job, counts.succeededIndexes)
  return success2 && newCondition('SuccessCriteriaMet', success2, now)
}

interface Why {
  readonly reason?: string
  readonly message?: string
}

function failureOf(
  input: Input,
  { failed, succeededIndexes, failedIndexes }: Indexes & { readonly failed: number },
): Why | undefined {
  const { job, pods, now } = input
  const { backoffLimit = 6, maxFailedIndexes, completions = 0 } = job.spec ?? {}
  const message = job.spec?.podFailurePolicy && failJobMessage(job, pods)
  if (message) return { reason: 'PodFailurePolicy', message }
  if (failed > backoffLimit || restartsPastLimit(job, pods)) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  }
  if (deadlineInMs(job, now) === 0) {
    return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
  }
  if (!failedIndexes) return undefined
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes'
    return { reason: 'MaxFailedIndexesExceeded', message }
  }
  const allEnded = failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= completions
  return allEnded ? { reason: 'FailedIndexes', message: 'Job has failed indexes' } : undefined
}

function failJobMessage(job: Job, pods: readonly Pod[]): string | undefined {
  for (const pod of pods) {
    const message = isPodFailed(pod, job) ? judgeFailure(job, pod).message : undefined
    if (message) return message
  }
  return undefined
}

/** Containers that restart in their pods count by their restarts. */
function restartsPastLimit({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec?.template?.spec?.restartPolicy !== 'OnFailure') return false
  const limit = spec.backoffLimit ?? 6
  const running = pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
  const statuses = running.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ])
  const restarts = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0)
  return limit === 0 ? restarts > 0 : restarts >= limit
}

/** Milliseconds until the Job has been active for too long; undefined: nobody is counting. */
export function deadlineInMs({ spec, status }: Job, now: Date): number | undefined {
  const seconds = spec?.activeDeadlineSeconds
  if (seconds === undefined || !status?.startTime || spec?.suspend) return undefined
  return Math.max(0, Date.parse(status.startTime) + seconds * 1000 - now.getTime())
}

/** KEP-3998: some indexes, or a number of them, are enough. */
function successByPolicy({ spec }: Job, succeeded: IndexSet): Why | undefined {
  const { completions = 0, successPolicy } = spec ?? {}
  for (const [i, { succeededIndexes, succeededCount }] of (successPolicy?.rules ?? []).entries()) {
    const wanted = succeededIndexes === undefined ? undefined : IndexSet.read(succeededIndexes, completions)
    const met = wanted ? IndexSet.of([...wanted].filter((index) => succeeded.has(index))) : succeeded
    if (met.size >= (succeededCount ?? wanted?.size ?? completions)) {
      return { reason: 'SuccessPolicy', message: `Matched rules at index ${i}` }
    }
  }
  return undefined
}

export function newCondition(type: string, { reason, message }: Why, now: Date): JobCondition {
  const time = formatTime(now)
  return {
    type,
    status: 'True',
    lastProbeTime: time,
    lastTransitionTime: time,
    ...(reason && { reason }),
    ...(message && { message }),
  }
}
