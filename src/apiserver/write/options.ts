/** Query parameters of writes (metav1.CreateOptions, UpdateOptions, PatchOptions). */
import type { FieldValidation } from '../../api/machinery/decode.ts'
import {
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  Path,
  required,
  tooLong,
} from '../../api/machinery/field.ts'
import { invalidError } from '../../api/machinery/status.ts'
import { parseBoolean } from '../read/options.ts'

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldValidation: FieldValidation
}

export interface PatchOptions extends WriteOptions {
  readonly force: boolean
}

/** `kind` names the options in error messages. */
export function parseWriteOptions(query: URLSearchParams, kind: 'CreateOptions' | 'UpdateOptions'): WriteOptions {
  return parseOptions(query, kind, [])
}

export function parsePatchOptions(query: URLSearchParams, { isApply = false } = {}): PatchOptions {
  const force = parseBoolean(query, 'force')
  const errors: FieldError[] = []
  if (!isApply && force !== undefined) {
    errors.push(forbidden(Path.of('force'), 'may not be specified for non-apply patch'))
  }
  if (isApply && !query.get('fieldManager')) {
    errors.push(required(Path.of('fieldManager'), 'is required for apply patch'))
  }
  return { ...parseOptions(query, 'PatchOptions', errors), force: force ?? false }
}

function parseOptions(query: URLSearchParams, kind: string, found: readonly FieldError[]): WriteOptions {
  const dryRun = query.getAll('dryRun')
  const fieldValidation = query.get('fieldValidation') ?? ''
  const errors = [...found, ...fieldManagerErrors(query.get('fieldManager') ?? ''), ...dryRunErrors(dryRun)]
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
