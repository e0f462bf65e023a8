/** The status of a Job, besides the counters. Pure. */
import { isIndexed } from '../../api/batch/conditions.ts'
import type { Job, JobCondition, JobStatus } from '../../api/generated/batch.v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { omitZero } from '../shared/numbers.ts'
import { newCondition } from './assess.ts'

/** What became of the pods in this pass. */
export interface Outcome {
  readonly active: number
  readonly ready: number
  readonly terminating: number
  /** The Job is over. */
  readonly verdict?: JobCondition
  /** Pods were made and removed as the plan says: suspending or resuming is done. */
  readonly managed?: boolean
  readonly error?: unknown
}

/** Numbers of pods, and whether the Job is held. `resumed`: reason of an event. */
export function hold(
  job: Job,
  { active, ready, terminating, managed, verdict }: Outcome,
  now: Date,
): { status: JobStatus; resumed: 'Suspended' | 'Resumed' | undefined } {
  const status: JobStatus = { ...job.status, active, ready, terminating }
  if (!managed || verdict) return { status, resumed: undefined }
  const changed = suspension(job, now)
  if (!changed) return { status, resumed: undefined }
  const { startTime: _, ...others } = status
  const resumed = job.spec?.suspend ? 'Suspended' : 'Resumed'
  return { status: { ...others, ...changed }, resumed }
}

/** The condition Suspended when it changes; a Job that is held has not started, and one that goes on starts anew. */
function suspension({ spec, status }: Job, now: Date): { conditions: JobCondition[]; startTime?: string } | undefined {
  const before = status?.conditions?.find(({ type }) => type === 'Suspended')
  const wanted = spec?.suspend ? 'True' : 'False'
  if (before?.status === wanted || (!before && !spec?.suspend)) return undefined
  const why = spec?.suspend
    ? { reason: 'JobSuspended', message: 'Job suspended' }
    : { reason: 'JobResumed', message: 'Job resumed' }
  const next = { ...newCondition('Suspended', why, now), status: wanted }
  const others = status?.conditions ?? []
  const conditions = before ? others.map((one) => (one === before ? next : one)) : [...others, next]
  return { conditions, ...(!spec?.suspend && { startTime: formatTime(now) }) }
}

/**
 * Adds what a verdict says: first what the Job is heading for (`interim`: SuccessCriteriaMet or FailureTarget), and when
 * all its pods are accounted for, that it is there (`final`: Complete or Failed).
 */
export function finish(
  status: JobStatus,
  verdict: JobCondition | undefined,
  step: 'interim' | 'final',
  now: Date,
): JobStatus {
  if (!verdict) return status
  const success = verdict.type === 'SuccessCriteriaMet'
  const type = step === 'interim' ? (success ? 'SuccessCriteriaMet' : 'FailureTarget') : success ? 'Complete' : 'Failed'
  const conditions = status.conditions ?? []
  if (conditions.some((one) => one.type === type && one.status === 'True')) return status
  const condition = newCondition(type, verdict, now)
  const completed = type === 'Complete' ? { completionTime: formatTime(now) } : {}
  return { ...status, ...completed, conditions: [...conditions, condition] }
}

/** As Go writes it: no zeros but where 0 is told apart from nothing. */
export function compact(status: JobStatus, job: Job): JobStatus {
  const { active = 0, succeeded = 0, failed = 0, completedIndexes, uncountedTerminatedPods, ...rest } = status
  return {
    ...rest,
    ...omitZero({ active, succeeded, failed }),
    ...(isIndexed(job) && completedIndexes && { completedIndexes }),
    uncountedTerminatedPods: uncountedTerminatedPods ?? {},
  }
}
