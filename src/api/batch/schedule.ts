/**
 * Schedules of CronJobs: the five fields of cron, or a descriptor such as `@daily` or `@every 1h30m` (what
 * robfig/cron's ParseStandard reads). Times are found on the wall clock of a zone.
 */
import { parseDuration } from '../machinery/duration.ts'
import { wallClock } from './wall-clock.ts'

export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'
}

export interface Schedule {
  /** The first time after `time`; undefined: there is none within five years. Milliseconds since 1970. */
  next(time: number): number | undefined
}

interface Bounds {
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
}

/** Values of a field, and whether it said `*`. */
interface Field {
  readonly values: ReadonlySet<number>
  readonly star: boolean
}

const minutes: Bounds = { min: 0, max: 59, names: [] }
const hours: Bounds = { min: 0, max: 23, names: [] }
const days: Bounds = { min: 1, max: 31, names: [] }
const months: Bounds = {
  min: 1,
  max: 12,
  names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
}
const weekdays: Bounds = { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** Throws ScheduleError in the words of the cron library. `zone`: an IANA name, which the caller has checked. */
export function parseSchedule(text: string, zone = 'UTC'): Schedule {
  if (text === '') throw new ScheduleError('empty spec string')
  const inline = /^(?:CRON_)?TZ=(\S*)\s+(.*)$/.exec(text)
  const [expression, location] = inline ? [inline[2] ?? '', inline[1] || 'UTC'] : [text, zone]
  if (!isTimeZone(location)) throw new ScheduleError(`provided bad location ${location}: unknown time zone ${location}`)
  if (expression.startsWith('@every ')) return every(expression)
  if (expression.startsWith('@') && !Object.hasOwn(descriptors, expression)) {
    throw new ScheduleError(`unrecognized descriptor: ${expression}`)
  }
  const fields = (descriptors[expression] ?? expression).split(/\s+/).filter(Boolean)
  if (fields.length !== 5) {
    throw new ScheduleError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  }
  const bounds = [minutes, hours, days, months, weekdays]
  const [minute, hour, day, month, weekday] = fields.map((field, i) => parseField(field, bounds[i] ?? minutes))
  return new Calendar({ minute, hour, day, month, weekday } as CalendarFields, location)
}

export function isTimeZone(name: string): boolean {
  if (/^[+-]/.test(name)) return false
  try {
    return Boolean(new Intl.DateTimeFormat('en-US', { timeZone: name }))
  } catch {
    return false
  }
}

/** Whole seconds apart, at least one; times are counted from the last one. */
function every(text: string): Schedule {
  const amount = text.slice('@every '.length)
  const parsed = parseDuration(amount)
  if (typeof parsed === 'string') throw new ScheduleError(`failed to parse duration ${text}: ${parsed}`)
  const seconds = Math.max(1, Math.trunc(parsed / 1000))
  return { next: (time) => Math.trunc(time / 1000) * 1000 + seconds * 1000 }
}

function parseField(text: string, bounds: Bounds): Field {
  const values = new Set<number>()
  let star = false
  for (const part of text.split(',').filter(Boolean)) star = parseRange(part, bounds, values) || star
  return { values, star }
}

/** Adds what `expression` says to `values`; true: it says all of them. */
function parseRange(expression: string, bounds: Bounds, values: Set<number>): boolean {
  const [range = '', stepText, ...moreSteps] = expression.split('/')
  const [low = '', high, ...moreLimits] = range.split('-')
  const all = low === '*' || low === '?'
  if (!all && moreLimits.length > 0) throw new ScheduleError(`too many hyphens: ${expression}`)
  const start = all ? bounds.min : intOrName(low, bounds)
  const given = all ? bounds.max : high === undefined ? start : intOrName(high, bounds)
  if (moreSteps.length > 0) throw new ScheduleError(`too many slashes: ${expression}`)
  const step = stepText === undefined ? 1 : integer(stepText)
  // `N/step` goes on to the end.
  const end = stepText !== undefined && high === undefined ? bounds.max : given
  const { min, max } = bounds
  if (start < min) throw new ScheduleError(`beginning of range (${start}) below minimum (${min}): ${expression}`)
  if (end > max) throw new ScheduleError(`end of range (${end}) above maximum (${max}): ${expression}`)
  if (start > end) {
    throw new ScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${expression}`)
  }
  if (step === 0) throw new ScheduleError(`step of range should be a positive number: ${expression}`)
  for (let value = start; value <= end; value += step) values.add(value)
  return all && step === 1
}

function intOrName(text: string, { names }: Bounds): number {
  const named = text === '' ? -1 : names.indexOf(text.toLowerCase())
  return named >= 0 ? named : integer(text)
}

function integer(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new ScheduleError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  }
  const value = Number(text)
  if (value < 0) throw new ScheduleError(`negative number (${value}) not allowed: ${text}`)
  return value
}

interface CalendarFields {
  readonly minute: Field
  readonly hour: Field
  readonly day: Field
  readonly month: Field
  readonly weekday: Field
}

const minuteMs = 60_000
const hourMs = 3_600_000
const yearsMax = 5

class Calendar implements Schedule {
  readonly #fields: CalendarFields
  readonly #zone: string

  constructor(fields: CalendarFields, zone: string) {
    this.#fields = fields
    this.#zone = zone
  }

  /** Skips by months, days, hours and minutes on the wall clock: an hour that a zone leaves out is never reached. */
  next(time: number): number | undefined {
    const { minute, hour, month } = this.#fields
    const clock = wallClock(this.#zone)
    let at = Math.trunc(time / minuteMs) * minuteMs + minuteMs
    const lastYear = clock.read(at).year + yearsMax
    for (;;) {
      const wall = clock.read(at)
      if (wall.year > lastYear) return undefined
      if (!month.values.has(wall.month)) at = clock.startOf(wall.year, wall.month + 1, 1)
      else if (!this.#dayMatches(wall)) at = clock.startOf(wall.year, wall.month, wall.day + 1)
      else if (!hour.values.has(wall.hour)) at += hourMs - wall.minute * minuteMs
      else if (!minute.values.has(wall.minute)) at += minuteMs
      else return at
    }
  }

  /** Where both the day of the month and that of the week are restricted, either will do. */
  #dayMatches(wall: { readonly day: number; readonly weekday: number }): boolean {
    const { day, weekday } = this.#fields
    const inMonth = day.values.has(wall.day)
    const inWeek = weekday.values.has(wall.weekday)
    return day.star || weekday.star ? inMonth && inWeek : inMonth || inWeek
  }
}
