/** Numbers as a document writes them: JSON.parse reads `1.0` and `1` alike, Go takes only the second for an integer. */

/** A whole number written with a fraction or an exponent: Go does not take it for an integer. */
export class FloatLiteral {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }
}

/** Where a number of a document could be one; some strings look alike, which only costs time. */
const floatLiteral = /[:[,]\s*-?\d+(?:\.\d|[eE])/

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown

/** `value`, which was read from `text`, with its float literals as such. */
export function withFloatLiterals(text: string, value: unknown): unknown {
  if (!floatLiteral.test(text)) return value
  const revive: Reviver = (_key, read, { source = '' }) =>
    Number.isInteger(read) && /[.eE]/.test(source) ? new FloatLiteral(source) : read
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
}

/** Where there is no schema, numbers are numbers. */
export function withoutFloatLiterals(value: unknown): unknown {
  if (value instanceof FloatLiteral) return Number(value.source)
  if (Array.isArray(value)) return value.map(withoutFloatLiterals)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutFloatLiterals(inner)]))
}
