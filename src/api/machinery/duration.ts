/** Durations as Go writes them: `1h30m`, `500ms`. */

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Milliseconds; or why it is none, in Go's words. */
export function parseDuration(text: string): number | string {
  const quoted = JSON.stringify(text)
  const sign = text.startsWith('-') ? -1 : 1
  const amount = text.replace(/^[-+]/, '')
  if (amount === '0') return 0
  if (amount === '') return `time: invalid duration ${quoted}`
  let total = 0
  for (let rest = amount; rest !== ''; ) {
    const [all = '', number = '', unit = ''] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest) ?? []
    if (number === '') return `time: invalid duration ${quoted}`
    if (unit === '') return `time: missing unit in duration ${quoted}`
    const size = Object.hasOwn(units, unit) ? units[unit] : undefined
    if (size === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`
    total += Number(number) * size
    rest = rest.slice(all.length)
  }
  return sign * total
}
