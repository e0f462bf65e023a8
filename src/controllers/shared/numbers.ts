/** `intstr`: numbers that may be percentages. */

/** `25%` of `total`, rounded as asked; a plain number is itself. */
export function scaledValue(value: number | string | undefined, total: number, rounding: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const percent = (Number.parseInt(value, 10) * total) / 100
  return rounding === 'up' ? Math.ceil(percent) : Math.floor(percent)
}

/** Keeps the fields whose value is not 0: Go's omitempty. */
export function omitZero<T extends Record<string, number>>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0)) as Partial<T>
}
