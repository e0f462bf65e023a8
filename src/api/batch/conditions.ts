/** What a Job says of itself. */
import type { Job, JobCondition } from '../generated/batch.v1.ts'

export type JobConditionType = 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet' | 'Suspended'

export function jobCondition({ status }: Job, type: JobConditionType): JobCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}

export function hasJobCondition(job: Job, type: JobConditionType): boolean {
  return jobCondition(job, type)?.status === 'True'
}

/** It will never make another pod. */
export function isJobFinished(job: Job): boolean {
  return hasJobCondition(job, 'Complete') || hasJobCondition(job, 'Failed')
}

export function isIndexed({ spec }: Job): boolean {
  return spec?.completionMode === 'Indexed'
}
