/** Plain values as values of a known type: checked and converted as Go's decoding does it, with its words for errors. */
import { FloatLiteral, withoutFloatLiterals } from './float-literal.ts'
import { goType } from './go-types.ts'
import { depthMax } from './json-text.ts'
import { canonicalQuantity, QuantityError, quantityFormatMessage } from './quantity.ts'
import type { FieldSchema, TypeRef, TypeSchema } from './schema.ts'
import { canonicalMicroTime, canonicalTime, timeParseMessage } from './time.ts'

type Plain = Record<string, unknown>

const int32Max = 2 ** 31 - 1
const int64Max = 2 ** 63

function goValueName(value: unknown): string {
  if (typeof value === 'boolean') return 'bool'
  if (Array.isArray(value)) return 'array'
  return value instanceof FloatLiteral ? 'number' : typeof value
}

/** One pass over a value: checks and converts in place, remembers the first type error and all unknown fields. */
export class SchemaWalk {
  error: string | undefined
  readonly unknown: string[] = []
  readonly #strict: boolean
  /** The struct whose field is being read, and the way there, for error messages. */
  #struct = ''
  readonly #names: string[] = []

  constructor(strict: boolean) {
    this.#strict = strict
  }

  root(value: unknown, type: TypeSchema): unknown {
    return this.#value(value, { shape: 'struct', type }, '')
  }

  /** The value to keep; undefined: none. `path` is only kept up in strict mode. */
  #value(value: unknown, ref: TypeRef, path: string): unknown {
    switch (ref.shape) {
      case 'struct':
        if (!isPlain(value)) return this.#mismatch(goValueName(value), ref)
        return this.#object(value, ref.type, path)
      case 'list':
        if (!Array.isArray(value)) return this.#mismatch(goValueName(value), ref)
        return this.#list(value, ref.item, path)
      case 'map':
        if (!isPlain(value)) return this.#mismatch(goValueName(value), ref)
        return this.#map(value, ref.value, path)
      default:
        return this.#scalar(value, ref)
    }
  }

  #object(object: Plain, type: TypeSchema, path: string): Plain {
    const outer = this.#struct
    const { fields } = type
    for (const name of Object.keys(object)) {
      const field = fields.get(name)
      if (!field) {
        if (this.#strict) this.unknown.push(path ? `${path}.${name}` : name)
        delete object[name]
        continue
      }
      const value = object[name]
      if (value === null || value === undefined) {
        delete object[name]
        continue
      }
      this.#struct = type.name
      this.#names.push(name)
      const kept = this.#value(value, field.ref, this.#strict ? (path ? `${path}.${name}` : name) : '')
      this.#names.pop()
      if (kept === undefined || (!field.required && isEmptyCollection(kept, field.ref))) delete object[name]
      else if (kept !== value) object[name] = kept
    }
    this.#struct = outer
    fillRequired(object, fields)
    return object
  }

  #list(list: unknown[], item: TypeRef, path: string): unknown[] {
    for (let i = 0; i < list.length; i++) {
      const value = list[i]
      list[i] =
        value === null || value === undefined
          ? zeroValue(item)
          : this.#value(value, item, this.#strict ? `${path}[${i}]` : '')
    }
    return list
  }

  #map(map: Plain, ref: TypeRef, path: string): Plain {
    for (const key of Object.keys(map)) {
      const value = map[key]
      const kept =
        value === null || value === undefined
          ? zeroValue(ref)
          : this.#value(value, ref, this.#strict ? `${path}.${key}` : '')
      if (kept !== value) map[key] = kept
    }
    return map
  }

  #scalar(value: unknown, ref: TypeRef & { shape: 'scalar' }): unknown {
    switch (ref.name) {
      case 'string':
        return typeof value === 'string' ? value : this.#mismatch(goValueName(value), ref)
      case 'boolean':
        return typeof value === 'boolean' ? value : this.#mismatch(goValueName(value), ref)
      case 'int32':
      case 'int64':
        return this.#integer(value, ref, ref.name === 'int32' ? int32Max : int64Max)
      case 'double':
        if (value instanceof FloatLiteral) return Number(value.source)
        return typeof value === 'number' ? value : this.#mismatch(goValueName(value), ref)
      case 'intOrString':
        return typeof value === 'string' ? value : this.#integer(value, ref, int32Max)
      case 'quantity':
        return this.#quantity(value)
      case 'time':
      case 'microTime':
        return this.#time(value, ref)
      case 'bytes':
        return this.#bytes(value, ref)
      default:
        return tooDeep(value) ? this.#fail('exceeded max depth') : withoutFloatLiterals(value)
    }
  }

  #integer(value: unknown, ref: TypeRef, max: number): unknown {
    if (value instanceof FloatLiteral) return this.#mismatch(`number ${value.source}`, ref)
    if (typeof value !== 'number') return this.#mismatch(goValueName(value), ref)
    if (!Number.isInteger(value) || value > max || value < -max - 1) return this.#mismatch(`number ${value}`, ref)
    return value
  }

  #quantity(sent: unknown): unknown {
    const value = sent instanceof FloatLiteral ? sent.source : sent
    if (typeof value !== 'string' && typeof value !== 'number') return this.#fail(quantityFormatMessage)
    try {
      return canonicalQuantity(String(value).trim())
    } catch (error) {
      if (error instanceof QuantityError) return this.#fail(error.message)
      throw error
    }
  }

  #time(value: unknown, ref: TypeRef & { shape: 'scalar' }): unknown {
    if (typeof value !== 'string') return this.#mismatch(goValueName(value), ref)
    const canonical = ref.name === 'time' ? canonicalTime(value) : canonicalMicroTime(value)
    return canonical ?? this.#fail(timeParseMessage(value))
  }

  #bytes(value: unknown, ref: TypeRef): unknown {
    if (typeof value !== 'string') return this.#mismatch(goValueName(value), ref)
    const text = value.replaceAll(/[\r\n]/g, '')
    const bad = illegalBase64At(text)
    return bad === undefined ? text : this.#fail(`illegal base64 data at input byte ${bad}`)
  }

  #mismatch(got: string, ref: TypeRef): undefined {
    const owner = `${this.#struct}.${this.#names.at(-1) ?? ''}`
    const target = this.#struct ? `Go struct field ${this.#struct}.${this.#names.join('.')}` : 'Go value'
    return this.#fail(`json: cannot unmarshal ${got} into ${target} of type ${goType(ref, owner)}`)
  }

  /** Only the first error counts, as in encoding/json. */
  #fail(message: string): undefined {
    this.error ??= message
    return undefined
  }
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof FloatLiteral)
}

/** Go leaves out an optional list or map without members when it writes. */
function isEmptyCollection(value: unknown, { shape }: TypeRef): boolean {
  if (shape === 'list') return Array.isArray(value) && value.length === 0
  return shape === 'map' && isPlain(value) && Object.keys(value).length === 0
}

/** Types of which every required field in the API is a pointer. */
const pointers: ReadonlySet<string> = new Set(['LabelSelector', 'ParentReference'])

/**
 * Go writes required fields even when nobody set them. Pointers are the exception: validation tells an absent one from
 * an empty one.
 */
function fillRequired(object: Plain, fields: ReadonlyMap<string, FieldSchema>): void {
  for (const field of fields.values()) {
    if (!field.required || object[field.name] !== undefined) continue
    if (field.ref.shape === 'struct' && pointers.has(field.ref.type.name)) continue
    const zero = zeroValue(field.ref)
    if (zero !== undefined) object[field.name] = zero
  }
}

/** Undefined for types whose zero value is written as null. */
function zeroValue(ref: TypeRef): unknown {
  if (ref.shape === 'list') return []
  if (ref.shape === 'map') return {}
  if (ref.shape === 'struct') {
    const object: Plain = {}
    fillRequired(object, ref.type.fields)
    return object
  }
  switch (ref.name) {
    case 'string':
    case 'bytes':
      return ''
    case 'boolean':
      return false
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0
    case 'quantity':
      return '0'
    default:
      return undefined
  }
}

/** Where Go's base64.StdEncoding would stop; undefined when the text is fine. */
function illegalBase64At(text: string): number | undefined {
  const bad = text.search(/[^A-Za-z0-9+/]/)
  if (bad < 0) return text.length % 4 === 0 ? undefined : text.length - (text.length % 4)
  if (text.charAt(bad) !== '=') return bad
  const inQuad = bad % 4
  if (inQuad < 2) return bad
  const padding = 4 - inQuad
  const rest = text.slice(bad)
  if (padding === 2 && !rest.startsWith('==')) return rest.length < 2 ? text.length : bad + 1
  return rest.length > padding ? bad + padding : undefined
}

/** Values without a schema are stored as they come; their depth must stay writable. */
function tooDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax / 10) return true
    level = level.flatMap((v) => (typeof v === 'object' && v !== null ? Object.values(v) : []))
  }
  return false
}
