/** Which Jobs of a CronJob run, and which of those that have ended are kept. Pure. */
import { hasJobCondition, isJobFinished } from '../../api/batch/conditions.ts'
import type { CronJob, CronJobStatus, Job } from '../../api/generated/batch.v1.ts'
import type { ObjectReference } from '../../api/generated/v1.ts'

export interface Observation {
  readonly status: CronJobStatus
  readonly events: readonly { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }[]
  /** References to Jobs that the cache does not show. */
  readonly missing: readonly ObjectReference[]
}

/** The status as the Jobs make it. */
export function observe({ status = {} }: CronJob, jobs: readonly Job[]): Observation {
  const events: Observation['events'][number][] = []
  let active = status.active ?? []
  let { lastSuccessfulTime } = status
  for (const job of jobs) {
    const { uid, name } = job.metadata
    const listed = active.some((reference) => reference.uid === uid)
    const finished = isJobFinished(job)
    if (!listed && !finished) {
      const message = `Saw a job that the controller did not create or forgot: ${name}`
      events.push({ type: 'Warning', reason: 'UnexpectedJob', message })
    }
    if (listed && finished) {
      active = active.filter((reference) => reference.uid !== uid)
      const condition = hasJobCondition(job, 'Complete') ? 'Complete' : 'Failed'
      const message = `Saw completed job: ${name}, condition: ${condition}`
      events.push({ type: 'Normal', reason: 'SawCompletedJob', message })
    }
    const end = hasJobCondition(job, 'Complete') ? job.status?.completionTime : undefined
    if (end && (!lastSuccessfulTime || Date.parse(end) > Date.parse(lastSuccessfulTime))) lastSuccessfulTime = end
  }
  const known = new Set(jobs.map(({ metadata }) => metadata.uid))
  return {
    status: withActive({ ...status, ...(lastSuccessfulTime && { lastSuccessfulTime }) }, active),
    events,
    missing: active.filter(({ uid }) => !known.has(uid)),
  }
}

export function withActive(given: CronJobStatus, active: readonly ObjectReference[]): CronJobStatus {
  const { active: _, ...status } = given
  return { ...status, ...(active.length > 0 && { active: [...active] }) }
}

/** Ended Jobs beyond the limits of history, the oldest first. */
export function pastHistory({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const succeeded = jobs.filter((job) => hasJobCondition(job, 'Complete'))
  const failed = jobs.filter((job) => hasJobCondition(job, 'Failed'))
  return [...oldest(succeeded, spec.successfulJobsHistoryLimit), ...oldest(failed, spec.failedJobsHistoryLimit)]
}

function oldest(jobs: readonly Job[], limit: number | undefined): Job[] {
  if (limit === undefined) return []
  return jobs.toSorted(byStart).slice(0, Math.max(0, jobs.length - limit))
}

function byStart(a: Job, b: Job): number {
  const [first, second] = [a.status?.startTime, b.status?.startTime]
  if (first && second && first !== second) return Date.parse(first) - Date.parse(second)
  if (Boolean(first) !== Boolean(second)) return first ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}
