/**
 * From JSON values to messages, byte for byte as Go writes them: fields in the order of their numbers, maps by key, and
 * what in Go is no pointer always, be it zero. Written from the end to the start, so that every length is known when
 * it is its turn.
 */
import type { Plain } from './conversions.ts'
import type { Field, Message, ScalarType } from './messages.ts'
import { wireTypes } from './wire.ts'

/** An object as a message without envelope. Fields that the message does not have are left out. */
export function encodeMessage(message: Message, object: object): Buffer {
  const writer = new ReverseWriter()
  writeFields(writer, message, object as Plain)
  return writer.finish()
}

function writeFields(writer: ReverseWriter, { fields }: Message, object: Plain): void {
  for (let i = fields.length - 1; i >= 0; i--) {
    const field = fields[i]!
    const value = field.label === 'embedded' ? object : object[field.name]
    if (value === undefined || value === null) {
      if (field.label === 'value') writeValue(writer, field, undefined)
    } else if (field.label === 'list') writeList(writer, field, value as unknown[])
    else if (field.label === 'map') writeMap(writer, field, value as Plain)
    else writeValue(writer, field, value)
  }
}

function writeList(writer: ReverseWriter, field: Field, items: readonly unknown[]): void {
  for (let i = items.length - 1; i >= 0; i--) writeValue(writer, field, items[i])
}

const keyTag = (1 << 3) | wireTypes.bytes
const valueTag = (2 << 3) | wireTypes.bytes

function writeMap(writer: ReverseWriter, { number, type }: Field, map: Plain): void {
  const keys = Object.keys(map)
  if (keys.length > 1) keys.sort(byBytes)
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i]!
    const end = writer.length
    writeContent(writer, type, map[key])
    writer.varint(valueTag)
    writer.string(key)
    writer.varint(keyTag)
    writer.varint(writer.length - end)
    writer.varint((number << 3) | wireTypes.bytes)
  }
}

/** As Go sorts strings; they are hardly ever anything but ASCII, where the order of JavaScript is the same. */
function byBytes(a: string, b: string): number {
  const surrogates = /[\ud800-\udfff]/
  if (surrogates.test(a) || surrogates.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : 1
}

function writeValue(writer: ReverseWriter, { number, type }: Field, value: unknown): void {
  writeContent(writer, type, value)
  writer.varint((number << 3) | (isNumber(type) ? wireTypes.varint : wireTypes.bytes))
}

function isNumber(type: ScalarType | Message): boolean {
  return type === 'int32' || type === 'int64' || type === 'bool'
}

/** A value with its length where it has one; undefined is its zero. */
function writeContent(writer: ReverseWriter, type: ScalarType | Message, value: unknown): void {
  switch (type) {
    case 'string':
      writer.string(typeof value === 'string' ? value : '')
      break
    case 'bool':
      writer.varint(value === true ? 1 : 0)
      break
    case 'int32':
    case 'int64':
      writer.integer(typeof value === 'number' ? value : 0)
      break
    case 'bytes':
      writer.bytes(Buffer.from(typeof value === 'string' ? value : '', 'base64'))
      break
    case 'json':
      writer.string(JSON.stringify(value))
      break
    default: {
      const end = writer.length
      writeFields(writer, type, (type.conversion ? type.conversion.toFields(value) : (value ?? {})) as Plain)
      writer.varint(writer.length - end)
    }
  }
}

/** Shared by all messages, one at a time; larger ones get a buffer of their own. */
const scratch = Buffer.allocUnsafeSlow(256 * 1024)
/** Strings up to this are copied by hand: faster than a call out of JavaScript. */
const shortString = 48

class ReverseWriter {
  #buffer = scratch
  /** What is written so far is from here to the buffer's end. */
  #at = scratch.length

  get length(): number {
    return this.#buffer.length - this.#at
  }

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(this.#at))
  }

  /** `value` is at least 0. */
  varint(value: number): void {
    this.#reserve(10)
    if (value < 0x80) {
      this.#buffer[--this.#at] = value
      return
    }
    let size = 1
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
    this.#at -= size
    let rest = value
    for (let i = 0; i < size - 1; i++) {
      this.#buffer[this.#at + i] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#at + size - 1] = rest
  }

  /** As 64-bit two's complement: negative ones take ten bytes. */
  integer(value: number): void {
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      this.varint(value)
      return
    }
    // The largest one is no number of JavaScript; what it reads as is one too large.
    let rest = value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt.asUintN(64, BigInt(value))
    const bytes: number[] = []
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
    bytes.push(Number(rest))
    this.#reserve(bytes.length)
    this.#at -= bytes.length
    this.#buffer.set(bytes, this.#at)
  }

  /** With its length. */
  string(text: string): void {
    const { length } = text
    if (length > shortString || !this.#ascii(text)) {
      const size = Buffer.byteLength(text)
      this.#reserve(size)
      this.#at -= size
      this.#buffer.write(text, this.#at)
      this.varint(size)
      return
    }
    this.varint(length)
  }

  /** With their length. */
  bytes(bytes: Buffer): void {
    this.#reserve(bytes.length)
    this.#at -= bytes.length
    bytes.copy(this.#buffer, this.#at)
    this.varint(bytes.length)
  }

  /** Writes a short text if it is plain; else nothing, and says so. */
  #ascii(text: string): boolean {
    this.#reserve(text.length)
    const start = this.#at - text.length
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x80) return false
      this.#buffer[start + i] = code
    }
    this.#at = start
    return true
  }

  #reserve(size: number): void {
    if (this.#at >= size) return
    const { length } = this
    const grown = Buffer.allocUnsafeSlow(2 * (this.#buffer.length + size))
    this.#buffer.copy(grown, grown.length - length, this.#at)
    this.#buffer = grown
    this.#at = grown.length - length
  }
}
