/**
 * The words that the protobuf forms of OpenAPI documents are told in: gnostic's messages, in which clients written in Go
 * ask for them. A field writes a JSON value as the field of a message; messages are put together from fields.
 */
import type { Json } from './json.ts'

/** The parts of a field, tag included; none where there is nothing to write. */
export type Field = (number: number, value: unknown) => readonly Buffer[]

const varintType = 0
const fixed64Type = 1
const bytesType = 2

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}

function delimited(number: number, parts: readonly Buffer[]): Buffer[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return [varint(number * 8 + bytesType), varint(length), ...parts]
}

export const text: Field = (number, value) => delimited(number, [Buffer.from(String(value))])

export const bool: Field = (number, value) => [varint(number * 8 + varintType), varint(value ? 1 : 0)]

/** False is not written. */
export const flag: Field = (number, value) => (value ? bool(number, value) : [])

export const double: Field = (number, value) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(Number(value))
  return [varint(number * 8 + fixed64Type), bytes]
}

export function repeated(item: Field): Field {
  return (number, values) => (values as readonly unknown[]).flatMap((value) => item(number, value))
}

/** A message with one field that has the whole value. */
export function within(inner: number, field: Field): Field {
  return (number, value) => delimited(number, field(inner, value))
}

/** An object of any keys: `repeated NamedX { name = 1, value = 2 }` of a message. */
export function entries(inner: number, item: Field): Field {
  return (number, value) =>
    delimited(
      number,
      Object.entries(value as Json).flatMap((entry) => named(inner, entry, item)),
    )
}

function named(number: number, [name, value]: readonly [string, unknown], item: Field): Buffer[] {
  return delimited(number, [...text(1, name), ...item(2, value)])
}

/** `Any { yaml = 2 }`: what no message is made for, and JSON is YAML. */
const any: Field = (number, value) => delimited(number, text(2, `${JSON.stringify(value)}\n`))

/** By name in JSON: its number, and how it is written. */
export type Fields = Readonly<Record<string, readonly [number, Field]>>

/** `extensions` is the number of the field that has what begins with `x-`. A key that is nowhere is a broken invariant. */
export function message(fields: Fields, extensions?: number): Field {
  return (number, value) => delimited(number, messageParts(fields, extensions, value as Json))
}

function messageParts(fields: Fields, extensions: number | undefined, object: Json): readonly Buffer[] {
  return Object.entries(object).flatMap(([name, value]) => {
    const field = fields[name]
    if (field) return field[1](field[0], value)
    if (!name.startsWith('x-') || extensions === undefined) throw new Error(`no field of gnostic's for ${name}`)
    return named(extensions, [name, value], any)
  })
}

/** A document as a message of its own, without a tag. */
export function encodeDocument(fields: Fields, document: Json): Buffer {
  return Buffer.concat(messageParts(fields, undefined, document))
}
