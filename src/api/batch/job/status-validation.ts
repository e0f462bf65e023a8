/** Checks of the status of a Job: whoever counts its pods must not lose count. */
import { checkNonNegative } from '../../common/validation.ts'
import type { Job, JobStatus } from '../../generated/batch.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { duplicate, invalid, invalidWithoutValue, Path, required } from '../../machinery/field.ts'
import { hasJobCondition, isIndexed, isJobFinished, type JobConditionType } from '../conditions.ts'
import { IndexSet } from '../indexes.ts'
import { parseOrError } from './policy-validation.ts'

const path = Path.of('status')
const conditions = path.child('conditions')
const completionTime = path.child('completionTime')

export function validateJobStatusUpdate(next: Job, old: Job): FieldError[] {
  const status = next.status ?? {}
  return [
    ...validateCounts(status),
    ...validateUncounted(status),
    ...validateConditions(next),
    ...validateTimes(next),
    ...validateFinished(next),
    ...validateIndexes(next),
    ...((status.ready ?? 0) > (status.active ?? 0)
      ? [invalid(path.child('ready'), status.ready, 'cannot set more ready pods than active')]
      : []),
    ...validateTransition(next, old),
  ]
}

function validateCounts(status: JobStatus): FieldError[] {
  const counts = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const
  return counts.flatMap((name) => checkNonNegative(path.child(name), status[name]))
}

function validateUncounted({ uncountedTerminatedPods = {} }: JobStatus): FieldError[] {
  const seen = new Set<string>()
  return (['succeeded', 'failed'] as const).flatMap((name) =>
    (uncountedTerminatedPods[name] ?? []).flatMap((uid, i) => {
      const at = path.child('uncountedTerminatedPods', name).index(i)
      if (uid === '') return [invalid(at, uid, 'must not be empty')]
      if (seen.has(uid)) return [duplicate(at, uid)]
      seen.add(uid)
      return []
    }),
  )
}

/** Pairs of conditions that exclude, or need, each other. */
function validateConditions(job: Job): FieldError[] {
  const has = (type: JobConditionType) => hasJobCondition(job, type)
  const wrong: readonly (readonly [boolean, string])[] = [
    [has('Complete') && has('Failed'), 'cannot set Complete=True and Failed=true conditions'],
    [has('Complete') && has('FailureTarget'), 'cannot set Complete=True and FailureTarget=true conditions'],
    [
      has('Failed') && !has('FailureTarget'),
      'cannot set Failed=True condition without the FailureTarget=true condition',
    ],
    [
      has('Complete') && !has('SuccessCriteriaMet'),
      'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
    ],
    [has('SuccessCriteriaMet') && has('Failed'), 'cannot set SuccessCriteriaMet=True and Failed=true conditions'],
    [
      has('SuccessCriteriaMet') && has('FailureTarget'),
      'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions',
    ],
  ]
  return wrong.flatMap(([holds, why]) => (holds ? [invalidWithoutValue(conditions, why)] : []))
}

function validateTimes(job: Job): FieldError[] {
  const { startTime, completionTime: end } = job.status ?? {}
  const complete = hasJobCondition(job, 'Complete')
  const errors: FieldError[] = []
  if (end && !complete) {
    const why = 'cannot set completionTime when there is no Complete=True condition'
    errors.push(invalid(completionTime, end, why))
  }
  if (!end && complete) errors.push(required(completionTime, 'completionTime is required for Complete jobs'))
  if (startTime && end && Date.parse(end) < Date.parse(startTime)) {
    errors.push(invalid(completionTime, end, 'completionTime cannot be set before startTime'))
  }
  return errors
}

function validateFinished(job: Job): FieldError[] {
  if (!isJobFinished(job)) return []
  const { active = 0, terminating = 0, startTime, uncountedTerminatedPods: uncounted } = job.status ?? {}
  const errors: FieldError[] = []
  if (active > 0) errors.push(invalid(path.child('active'), active, 'active>0 is invalid for finished job'))
  // A suspended Job of nothing is complete without ever having started.
  if (!startTime && !(job.spec?.suspend && job.spec.completions === 0)) {
    errors.push(required(path.child('startTime'), 'startTime is required for finished job'))
  }
  if ((uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0) > 0) {
    const why = 'uncountedTerminatedPods needs to be empty for finished job'
    errors.push(invalid(path.child('uncountedTerminatedPods'), uncounted, why))
  }
  if (terminating > 0) {
    errors.push(invalid(path.child('terminating'), terminating, 'terminating>0 is invalid for finished job'))
  }
  return errors
}

function validateIndexes(job: Job): FieldError[] {
  const { completions = 0, backoffLimitPerIndex } = job.spec ?? {}
  const { completedIndexes = '', failedIndexes } = job.status ?? {}
  const errors: FieldError[] = []
  const parsed = (name: 'completedIndexes' | 'failedIndexes', text: string): IndexSet => {
    const indexes = parseOrError(text, completions)
    if (typeof indexes !== 'string') return indexes
    errors.push(invalid(path.child(name), text, `error parsing ${name}: ${indexes}`))
    return IndexSet.none
  }
  if (completedIndexes !== '' && !isIndexed(job)) {
    const why = 'cannot set non-empty completedIndexes when non-indexed completion mode'
    errors.push(invalid(path.child('completedIndexes'), completedIndexes, why))
  }
  const completed = parsed('completedIndexes', completedIndexes)
  if (failedIndexes === undefined) return errors
  if (backoffLimitPerIndex === undefined) {
    const why = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'
    errors.push(invalid(path.child('failedIndexes'), failedIndexes, why))
  }
  const overlap = completed.overlap(parsed('failedIndexes', failedIndexes))
  if (overlap !== undefined) {
    const why = `failedIndexes and completedIndexes overlap at index: ${overlap}`
    errors.push(invalid(path.child('failedIndexes'), failedIndexes, why))
  }
  return errors
}

function validateTransition(next: Job, old: Job): FieldError[] {
  const [after, before] = [next.status ?? {}, old.status ?? {}]
  const errors: FieldError[] = []
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const) {
    if (hasJobCondition(old, type) && !hasJobCondition(next, type)) {
      errors.push(invalidWithoutValue(conditions, `cannot disable the terminal ${type}=True condition`))
    }
  }
  if ((after.failed ?? 0) < (before.failed ?? 0)) {
    errors.push(invalid(path.child('failed'), after.failed ?? 0, 'cannot decrease the failed counter'))
  }
  // An indexed Job may be made smaller, and its successes with it.
  const elastic = isIndexed(next) && next.spec?.completions === next.spec?.parallelism
  if (!elastic && (after.succeeded ?? 0) < (before.succeeded ?? 0)) {
    errors.push(invalid(path.child('succeeded'), after.succeeded ?? 0, 'cannot decrease the succeeded counter'))
  }
  if (after.completionTime && before.completionTime && after.completionTime !== before.completionTime) {
    errors.push(invalid(completionTime, after.completionTime, 'completionTime cannot be mutated'))
  }
  if (before.startTime && before.startTime !== after.startTime && !next.spec?.suspend && !isResuming(old)) {
    errors.push(required(path.child('startTime'), 'startTime cannot be removed for unsuspended job'))
  }
  if (hasJobCondition(old, 'SuccessCriteriaMet') && !hasJobCondition(next, 'SuccessCriteriaMet')) {
    errors.push(invalidWithoutValue(conditions, 'cannot disable the SuccessCriteriaMet=True condition'))
  }
  return errors
}

/** The time of a Job counts from its last resumption. */
function isResuming(old: Job): boolean {
  return hasJobCondition(old, 'Suspended')
}
