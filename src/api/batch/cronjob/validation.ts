/** Checks of a CronJob. */
import { checkNonNegative } from '../../common/validation.ts'
import type { CronJob, CronJobSpec } from '../../generated/batch.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { validateJobTemplate } from '../job/validation.ts'
import { isTimeZone, parseSchedule, ScheduleError } from '../schedule.ts'

const path = Path.of('spec')
const concurrencyPolicies = ['Allow', 'Forbid', 'Replace']
/** What is left of 63 when the time is appended to make the names of Jobs. */
const nameMax = 52

export function validateCronJob(cronJob: CronJob): FieldError[] {
  const { name } = cronJob.metadata
  const errors = validateSpec(cronJob.spec)
  if (name.length <= nameMax) return errors
  return [...errors, invalid(Path.of('metadata', 'name'), name, `must be no more than ${nameMax} characters`)]
}

export function validateCronJobUpdate({ spec }: CronJob, old: CronJob): FieldError[] {
  return validateSpec(spec, old.spec)
}

function validateSpec(spec: CronJobSpec, old?: CronJobSpec): FieldError[] {
  const seconds = ['startingDeadlineSeconds'] as const
  const limits = ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const
  const nonNegative = (names: readonly (typeof seconds | typeof limits)[number][]) =>
    names.flatMap((name) => checkNonNegative(path.child(name), spec[name]))
  return [
    ...validateSchedule(spec, old?.schedule?.includes('TZ') ?? false),
    ...nonNegative(seconds),
    ...(old && old.timeZone === spec.timeZone ? [] : validateTimeZone(spec.timeZone)),
    ...validateConcurrency(spec.concurrencyPolicy),
    ...validateJobTemplate(spec.jobTemplate, path.child('jobTemplate')),
    ...nonNegative(limits),
  ]
}

function validateSchedule({ schedule, timeZone }: CronJobSpec, allowZone: boolean): FieldError[] {
  const at = path.child('schedule')
  if (!schedule) return [required(at)]
  const errors: FieldError[] = []
  try {
    parseSchedule(schedule)
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    errors.push(invalid(at, schedule, error.message))
  }
  if (!schedule.includes('TZ')) return errors
  if (!allowZone) {
    errors.push(invalid(at, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
  } else if (timeZone !== undefined) {
    errors.push(invalid(at, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
  }
  return errors
}

function validateTimeZone(timeZone: string | undefined): FieldError[] {
  const at = path.child('timeZone')
  if (timeZone === undefined) return []
  if (timeZone === '') return [invalid(at, timeZone, 'timeZone must be nil or non-empty string')]
  const unknown = invalid(at, timeZone, `unknown time zone ${timeZone}`)
  const isPart = (part: string) => /^[A-Za-z._0-9+-]{1,14}$/.test(part) && !/^(\.|\.\.|-.*)$/.test(part)
  if (!timeZone.split('/').every(isPart)) return [unknown]
  if (timeZone.toLowerCase() === 'local') {
    const why = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'
    return timeZone === 'Local' ? [invalid(at, timeZone, why)] : [invalid(at, timeZone, why), unknown]
  }
  return isTimeZone(timeZone) ? [] : [unknown]
}

function validateConcurrency(policy: string | undefined): FieldError[] {
  const at = path.child('concurrencyPolicy')
  if (!policy) return [required(at)]
  return concurrencyPolicies.includes(policy) ? [] : [notSupported(at, policy, concurrencyPolicies)]
}
