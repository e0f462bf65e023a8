/**
 * From bytes or plain values to objects of a known type, as Kubernetes' JSON decoding does it: names are
 * case-sensitive, nulls and unknown fields are dropped, wrong types are errors in Go's words, and strict checking
 * finds unknown and duplicate fields (sigs.k8s.io/json).
 */
import { withFloatLiterals } from './float-literal.ts'
import { depthMax, jsonSyntaxError, nestsTooDeep, scanJson, wellFormed } from './json-text.ts'
import { typeSchema } from './schema.ts'
import { SchemaWalk } from './schema-walk.ts'

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

/** Why a body is not the object it should be, in Go's words. `syntax`: it is not even JSON. */
export class DecodeError extends Error {
  readonly code: 'syntax' | 'type' | 'strict'

  constructor(code: DecodeError['code'], message: string) {
    super(message)
    this.name = 'DecodeError'
    this.code = code
  }
}

export interface Decoded<T> {
  readonly object: T
  /** What strict decoding complains of, when it is not an error: `unknown field "spec.foo"`. */
  readonly warnings: readonly string[]
}

export interface DecodeOptions {
  /** Default 'Ignore'. */
  readonly fieldValidation?: FieldValidation
}

/** More complaints are not collected, as in sigs.k8s.io/json. */
const strictErrorsMax = 100

/**
 * Decodes JSON bytes or text, or a plain value (which is taken over and changed in place), as `typeName`
 * (`v1.Service`). Required scalars and lists that are absent get their zero value, as in Go. Throws DecodeError.
 */
export function decode<T>(
  typeName: string,
  input: Buffer | string | object,
  { fieldValidation = 'Ignore' }: DecodeOptions = {},
): Decoded<T> {
  const source = Buffer.isBuffer(input) ? input.toString('utf8') : input
  const text = typeof source === 'string' ? wellFormed(source) : undefined
  const value: unknown = text === undefined ? input : withFloatLiterals(text, parseJson(text))
  const walk = new SchemaWalk(fieldValidation !== 'Ignore')
  const type = typeSchema(typeName)
  const object = walk.root(value, type)
  if (walk.error) throw new DecodeError('type', walk.error)
  if (type.fields.has('apiVersion') && type.fields.has('metadata')) fillMetadata(object as Record<string, unknown>)
  if (fieldValidation === 'Ignore') return { object: object as T, warnings: [] }
  const complaints = strictComplaints(text, walk.unknown)
  if (fieldValidation === 'Strict' && complaints.length > 0) throw strictError(complaints)
  return { object: object as T, warnings: complaints }
}

function strictError(complaints: readonly string[]): DecodeError {
  return new DecodeError('strict', `strict decoding error: ${complaints.join(', ')}`)
}

export function parseJson(text: string): unknown {
  // The built-in parser takes any depth; Go's does not, and neither would what walks the value afterwards.
  if (text.length > 2 * depthMax && nestsTooDeep(text)) throw new DecodeError('syntax', 'exceeded max depth')
  try {
    return JSON.parse(wellFormed(text))
  } catch {
    throw new DecodeError('syntax', jsonSyntaxError(text) ?? 'invalid JSON')
  }
}

/** `duplicate field "…"` for each, of any JSON text. */
export function duplicateComplaints(text: string): string[] {
  return limited(scanJson(text).duplicates.map(({ path }) => `duplicate field ${JSON.stringify(path)}`))
}

/** Unknown and duplicate fields in document order; duplicates inside unknown fields are nobody's business. */
function strictComplaints(text: string | undefined, unknown: readonly string[]): string[] {
  const unknownOnly = () => limited(unknown.map((path) => `unknown field ${JSON.stringify(path)}`))
  if (text === undefined || scanJson(text).duplicates.length === 0) return unknownOnly()
  const { duplicates, offsets } = scanJson(text, { withOffsets: true })
  const insideUnknown = (path: string) =>
    unknown.some((u) => path === u || path.startsWith(`${u}.`) || path.startsWith(`${u}[`))
  const found = [
    ...unknown.map((path) => ({ at: offsets.get(path) ?? 0, text: `unknown field ${JSON.stringify(path)}` })),
    ...duplicates
      .filter(({ path }) => !insideUnknown(path))
      .map(({ path, at }) => ({ at, text: `duplicate field ${JSON.stringify(path)}` })),
  ]
  return limited(found.sort((a, b) => a.at - b.at).map((c) => c.text))
}

function limited(complaints: readonly string[]): string[] {
  return [...new Set(complaints)].slice(0, strictErrorsMax)
}

/** Every object of a kind has metadata; the name is '' until somebody sets it. */
function fillMetadata(object: Record<string, unknown>): void {
  const metadata = (object['metadata'] ??= {}) as Record<string, unknown>
  metadata['name'] ??= ''
}
