/** When a CronJob makes a Job. Pure. */
import { isTimeZone, parseSchedule, type Schedule, ScheduleError } from '../../api/batch/schedule.ts'
import type { CronJob } from '../../api/generated/batch.v1.ts'

/** So many missed times hint at a clock that jumped. */
const manyMissed = 100
/** Looking a moment late makes sure that the time has come. */
const lateMs = 100

export interface Due {
  /** The latest time that has come and has no Job yet; milliseconds since 1970. */
  readonly time: number | undefined
  readonly missedMany: boolean
}

/** The schedule, or why there is none, as an Event says it. `localZone`: of a CronJob that names no zone. */
export function scheduleOf(
  { spec }: CronJob,
  localZone: string,
): Schedule | { readonly reason: string; readonly message: string } {
  const { schedule, timeZone } = spec
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`
    return { reason: 'UnknownTimeZone', message }
  }
  try {
    return parseSchedule(schedule, timeZone ?? localZone)
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${error.message}`
    return { reason: 'UnparseableSchedule', message }
  }
}

/** Times missed for longer than `startingDeadlineSeconds` are not looked at. */
export function dueTime(cronJob: CronJob, schedule: Schedule, now: number): Due {
  const { startingDeadlineSeconds } = cronJob.spec
  const deadline = startingDeadlineSeconds === undefined ? 0 : now - startingDeadlineSeconds * 1000
  return latest(schedule, Math.max(lastTime(cronJob), deadline), now)
}

/** Milliseconds until the next time; undefined: it never comes. */
export function nextInMs(cronJob: CronJob, schedule: Schedule, now: number): number | undefined {
  const since = lastTime(cronJob)
  const next = schedule.next(latest(schedule, since, now).time ?? since)
  return next === undefined ? undefined : Math.max(0, next + lateMs - now)
}

function lastTime({ status, metadata }: CronJob): number {
  return Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '1970-01-01T00:00:00Z')
}

function latest(schedule: Schedule, since: number, now: number): Due {
  const none: Due = { time: undefined, missedMany: false }
  const first = schedule.next(since)
  if (first === undefined || now < first) return none
  const second = schedule.next(first)
  if (second === undefined || now < second) return { time: first, missedMany: false }
  // Not one by one through what may be years: about as far as the first interval reaches.
  const missed = Math.floor((now - first) / (second - first)) + 1
  let time: number | undefined
  let next = schedule.next(first + (missed - 2) * (second - first))
  for (; next !== undefined && next <= now; next = schedule.next(next)) time = next
  return { time: time ?? second, missedMany: missed > manyMissed }
}
