/**
 * Field paths and validation errors in Kubernetes' words (k8s.io/apimachinery/pkg/util/validation/field). Clients match
 * on the rendered messages, so wording here is contract.
 */

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'

export interface FieldError {
  readonly type: FieldErrorType
  /** As in `spec.ports[0].name` or `metadata.labels[app]`. */
  readonly field: string
  /** Without the field: `Invalid value: 0: must be between 1 and 65535, inclusive`. */
  readonly message: string
}

/** An immutable field path. */
export class Path {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  static of(first: string, ...rest: string[]): Path {
    return new Path([first, ...rest].join('.'))
  }

  /** The path of the object itself, for errors without a field. */
  static readonly root = new Path('')

  child(...names: string[]): Path {
    return new Path([...(this.#text ? [this.#text] : []), ...names].join('.'))
  }

  index(i: number): Path {
    return new Path(`${this.#text}[${i}]`)
  }

  key(key: string): Path {
    return new Path(`${this.#text}[${key}]`)
  }

  toString(): string {
    return this.#text === '' ? '<nil>' : this.#text
  }
}

/** Go's rendering of a value inside an error: strings quoted, objects as JSON. */
function renderValue(value: unknown): string {
  if (value === undefined || value === null) return 'null'
  return JSON.stringify(value)
}

function error(type: FieldErrorType, path: Path, message: string): FieldError {
  return { type, field: path.toString(), message }
}

export const invalid = (path: Path, value: unknown, detail: string): FieldError =>
  error('FieldValueInvalid', path, `Invalid value: ${renderValue(value)}${detail ? `: ${detail}` : ''}`)

/** Where the value is not repeated. */
export const invalidWithoutValue = (path: Path, detail: string): FieldError =>
  error('FieldValueInvalid', path, `Invalid value: ${detail}`)

export const required = (path: Path, detail = ''): FieldError =>
  error('FieldValueRequired', path, `Required value${detail ? `: ${detail}` : ''}`)

export const forbidden = (path: Path, detail: string): FieldError =>
  error('FieldValueForbidden', path, `Forbidden${detail ? `: ${detail}` : ''}`)

export const duplicate = (path: Path, value: unknown): FieldError =>
  error('FieldValueDuplicate', path, `Duplicate value: ${renderValue(value)}`)

export const notFound = (path: Path, value: unknown): FieldError =>
  error('FieldValueNotFound', path, `Not found: ${renderValue(value)}`)

/** The values come in the alphabet's order, as from upstream's sets. */
export const notSupported = (path: Path, value: unknown, supported: readonly string[]): FieldError =>
  notSupportedAsListed(path, value, [...supported].sort())

/** For the places where upstream lists the values in an order of its own. */
export function notSupportedAsListed(path: Path, value: unknown, supported: readonly string[]): FieldError {
  const values = supported.map((s) => JSON.stringify(s)).join(', ')
  const hint = values && `: supported values: ${values}`
  return error('FieldValueNotSupported', path, `Unsupported value: ${renderValue(value)}${hint}`)
}

export const tooLong = (path: Path, maxLength: number): FieldError =>
  error('FieldValueTooLong', path, `Too long: may not be more than ${maxLength} bytes`)

export const tooMany = (path: Path, actual: number, max: number): FieldError =>
  error('FieldValueTooMany', path, `Too many: ${actual}: must have at most ${max} items`)
