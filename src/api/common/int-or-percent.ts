/** Values such as `1` or `25%`. */

import type { FieldError, Path } from '../machinery/field.ts'
import { invalid } from '../machinery/field.ts'
import { negativeMessage } from './validation.ts'

const percent = /^[0-9]+%$/

/** A number that is not negative, or a percentage. */
export function checkIntOrPercent(path: Path, value: number | string | undefined): FieldError[] {
  if (typeof value === 'string') {
    if (percent.test(value)) return []
    const why =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
    return [invalid(path, value, why)]
  }
  return value !== undefined && value < 0 ? [invalid(path, value, negativeMessage)] : []
}

/** The percentage, when it is one. */
function percentOf(value: number | string | undefined): number | undefined {
  return typeof value === 'string' && percent.test(value) ? Number(value.slice(0, -1)) : undefined
}

export function checkAtMostAll(path: Path, value: number | string | undefined): FieldError[] {
  const share = percentOf(value)
  return share !== undefined && share > 100 ? [invalid(path, value, 'must not be greater than 100%')] : []
}

/** As a number, with 0 for a percentage of nothing: what upstream compares with 0. */
export function isZero(value: number | string | undefined): boolean {
  return (percentOf(value) ?? value ?? 0) === 0
}
