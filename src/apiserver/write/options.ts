/** Query parameters of writes (metav1.CreateOptions, UpdateOptions, PatchOptions). */
import type { FieldValidation } from '../../api/machinery/decode.ts'
import { type FieldError, invalid, notSupported, Path, tooLong } from '../../api/machinery/field.ts'
import { invalidError } from '../../api/machinery/status.ts'

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldValidation: FieldValidation
}

/** `kind` names the options in error messages. */
export function parseWriteOptions(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): WriteOptions {
  const dryRun = query.getAll('dryRun')
  const fieldValidation = query.get('fieldValidation') ?? ''
  const errors = [...dryRunErrors(dryRun), ...fieldManagerErrors(query.get('fieldManager') ?? '')]
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(fieldValidation)) {
    errors.push(notSupported(Path.of('fieldValidation'), fieldValidation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  if (errors.length > 0) throw invalidError({ group: 'meta.k8s.io', resource: kind }, '', errors)
  return { dryRun: dryRun.length > 0, fieldValidation: (fieldValidation || 'Warn') as FieldValidation }
}

export function dryRunErrors(dryRun: readonly string[]) {
  const bad = dryRun.find((value) => value !== 'All')
  return bad === undefined ? [] : [notSupported(Path.of('dryRun'), dryRun, ['All'])]
}

const fieldManagerBytesMax = 128

function fieldManagerErrors(fieldManager: string): FieldError[] {
  const path = Path.of('fieldManager')
  const errors: FieldError[] = []
  if (Buffer.byteLength(fieldManager) > fieldManagerBytesMax) errors.push(tooLong(path, fieldManagerBytesMax))
  if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(fieldManager)) {
    errors.push(invalid(path, fieldManager, 'should only contain printable characters'))
  }
  return errors
}
