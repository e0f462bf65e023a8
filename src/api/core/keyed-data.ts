/** What ConfigMaps and Secrets share: keys that become file names, a limit of size, and the promise not to change. */

import { sameValue } from '../common/strategy.ts'
import { check, immutableMessage } from '../common/validation.ts'
import type { FieldError } from '../machinery/field.ts'
import { forbidden, Path } from '../machinery/field.ts'
import { isConfigMapKey } from '../machinery/validate.ts'

/** 1 MiB, all values together. */
export const dataMaxBytes = 1024 * 1024

export function validateKeys(data: Readonly<Record<string, unknown>> | undefined, field: string): FieldError[] {
  return Object.keys(data ?? {}).flatMap((key) => check(Path.of(field).key(key), key, isConfigMapKey(key)))
}

interface Immutable {
  readonly immutable?: boolean
}

export function validateImmutable<T extends Immutable>(next: T, old: T, fields: readonly (keyof T & string)[]) {
  const errors: FieldError[] = []
  if (!old.immutable) return errors
  if (!next.immutable) errors.push(forbidden(Path.of('immutable'), 'field is immutable when `immutable` is set'))
  for (const field of fields) {
    if (!sameValue(next[field] ?? {}, old[field] ?? {})) {
      errors.push(forbidden(Path.of(field), `${immutableMessage} when \`immutable\` is set`))
    }
  }
  return errors
}
