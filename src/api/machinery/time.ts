/** Times as the API writes them (RFC 3339, UTC) and ages as kubectl prints them. */

/** Whole seconds, as `metav1.Time` is written: `2026-11-20T23:00:00Z`. */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

/** Six fraction digits, as `metav1.MicroTime` is written. */
export function formatMicroTime(date: Date): string {
  return `${date.toISOString().slice(0, 23)}000Z`
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/

/** Canonical text of an RFC 3339 time with `digits` fraction digits; undefined when it is none. */
function canonical(text: string, digits: 0 | 6): string | undefined {
  const parts = rfc3339.exec(text)
  if (!parts) return undefined
  const [, , month, day, hour, minute, second, fraction = '', zone = 'Z'] = parts
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  // Not Date.UTC, to which the years before 100 are the 20th century's.
  const wall = Date.parse(`${text.slice(0, 'yyyy-mm-ddThh:mm:ss'.length)}Z`)
  const date = new Date(wall)
  if (date.getUTCMonth() + 1 !== Number(month) || date.getUTCDate() !== Number(day)) return undefined
  const offsetMinutes =
    zone === 'Z' ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)))
  const utc = new Date(wall - offsetMinutes * 60_000).toISOString().slice(0, 19)
  return digits === 0 ? `${utc}Z` : `${utc}.${fraction.slice(0, 6).padEnd(6, '0')}Z`
}

export const canonicalTime = (text: string): string | undefined => canonical(text, 0)
export const canonicalMicroTime = (text: string): string | undefined => canonical(text, 6)

/** Go's words for a time that does not parse (time.ParseError, without its finer diagnosis of the layout element). */
export function timeParseMessage(text: string): string {
  const quoted = JSON.stringify(text)
  const layout = '"2006-01-02T15:04:05Z07:00"'
  const elements: [RegExp, string][] = [
    [/^\d{4}/, '2006'],
    [/^-/, '-'],
    [/^\d\d/, '01'],
    [/^-/, '-'],
    [/^\d\d/, '02'],
    [/^T/, 'T'],
    [/^\d\d?/, '15'],
    [/^:/, ':'],
    [/^\d\d/, '04'],
    [/^:/, ':'],
    [/^\d\d(?:[.,]\d+)?/, '05'],
    [/^(?:Z|[+-]\d\d:\d\d)/, 'Z07:00'],
  ]
  let rest = text
  for (const [pattern, element] of elements) {
    const match = pattern.exec(rest)
    if (!match) return `parsing time ${quoted} as ${layout}: cannot parse ${JSON.stringify(rest)} as "${element}"`
    rest = rest.slice(match[0].length)
  }
  if (rest) return `parsing time ${quoted}: extra text: ${JSON.stringify(rest)}`
  return `parsing time ${quoted}: ${outOfRange(text)} out of range`
}

function outOfRange(text: string): string {
  const [, , month, , hour, minute, second] = rfc3339.exec(text) ?? []
  if (Number(month) < 1 || Number(month) > 12) return 'month'
  if (Number(hour) > 23) return 'hour'
  if (Number(minute) > 59) return 'minute'
  return Number(second) > 59 ? 'second' : 'day'
}

/**
 * An age as kubectl prints it (k8s.io/apimachinery duration.HumanDuration): two units at most, the second one only
 * where the first is small.
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 60 * 2) return `${seconds}s`
  const minutes = Math.trunc(ms / 60_000)
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's')
  if (minutes < 60 * 3) return `${minutes}m`
  const hours = Math.trunc(ms / 3_600_000)
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (hours < 24 * 8) return withRest(days, 'd', hours % 24, 'h')
  if (hours < 24 * 365 * 2) return `${days}d`
  const years = Math.trunc(days / 365)
  if (hours < 24 * 365 * 8) return withRest(years, 'y', days % 365, 'd')
  return `${years}y`
}

function withRest(amount: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${amount}${unit}` : `${amount}${unit}${rest}${restUnit}`
}

/** The AGE column: time since `timestamp`, `<unknown>` when there is none. */
export function age(timestamp: string | undefined, now: Date): string {
  return timestamp ? humanDuration(now.getTime() - Date.parse(timestamp)) : '<unknown>'
}
