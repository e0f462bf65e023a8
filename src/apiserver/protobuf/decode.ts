/** From messages to plain values, as their JSON would have given. Zeros of what in Go is no pointer are absent. */
import { DecodeError, parseJson } from '../../api/machinery/decode.ts'
import type { Plain } from './conversions.ts'
import type { Field, Message, ScalarType } from './messages.ts'
import { WireError, WireReader, wireTypes } from './wire.ts'

/** The object in a message without its envelope. Unknown fields are passed over. Throws WireError. */
export function decodeMessage(message: Message, buffer: Buffer): Plain {
  const object: Plain = {}
  decodeInto(object, message, new WireReader(buffer), buffer.length)
  return object
}

/** A message that comes in several parts is the sum of them. */
function decodeInto(object: Plain, message: Message, reader: WireReader, end: number): void {
  const { byNumber } = message
  while (reader.at < end) {
    const { number, wireType } = reader.tag(end)
    const field = byNumber.get(number)
    if (field) decodeField(object, field, wireType, reader, end)
    else skipUnknown(message, number, wireType, reader, end)
  }
}

function skipUnknown({ name }: Message, number: number, wireType: number, reader: WireReader, end: number): void {
  const type = name.slice(name.lastIndexOf('.') + 1)
  if (wireType === wireTypes.endGroup) throw new WireError(`proto: ${type}: wiretype end group for non-group`)
  if (number <= 0) throw new WireError(`proto: ${type}: illegal tag ${number} (wire type ${wireType})`)
  reader.skip(wireType, end)
}

function decodeField(object: Plain, field: Field, wireType: number, reader: WireReader, end: number): void {
  const { name, label, type } = field
  const number = type === 'int32' || type === 'int64' || type === 'bool'
  const packed = number && label === 'list' && wireType === wireTypes.bytes
  if (!packed && wireType !== (number ? wireTypes.varint : wireTypes.bytes)) {
    const goName = name.charAt(0).toUpperCase() + name.slice(1)
    throw new WireError(`proto: wrong wireType = ${wireType} for field ${goName}`)
  }
  switch (label) {
    case 'embedded':
      decodeInto(object, type as Message, reader, reader.enter(end))
      break
    case 'list': {
      const items = (object[name] ??= []) as unknown[]
      if (packed) for (const inner = reader.enter(end); reader.at < inner; ) items.push(readValue(type, reader, inner))
      else items.push(readValue(type, reader, end))
      break
    }
    case 'map':
      decodeEntry((object[name] ??= {}) as Plain, type, reader, reader.enter(end))
      break
    default:
      setValue(object, field, readValue(type, reader, end, object[name]))
  }
}

/** Key 1, value 2; what is missing is a zero. */
function decodeEntry(map: Plain, type: Field['type'], reader: WireReader, end: number): void {
  let key = ''
  let value: unknown
  while (reader.at < end) {
    const { number, wireType } = reader.tag(end)
    if (number === 1) key = reader.string(end)
    else if (number === 2) value = readValue(type, reader, end)
    else reader.skip(wireType, end)
  }
  value ??= typeof type === 'string' ? '' : (type.conversion?.toJson({}) ?? {})
  // An assignment would make `__proto__` something else than a key.
  if (key !== '__proto__') map[key] = value
  else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
}

/** The last one counts, also when it is a zero that means absence. */
function setValue(object: Plain, { name, label }: Field, value: unknown): void {
  const zero = label === 'value' && (value === '' || value === 0 || value === false)
  if (zero || value === undefined) delete object[name]
  else object[name] = value
}

/** `before` is what an earlier part of the same message said. */
function readValue(type: ScalarType | Message, reader: WireReader, end: number, before?: unknown): unknown {
  switch (type) {
    case 'string':
      return reader.string(end)
    case 'bool':
      return reader.bool(end)
    case 'int32':
      return reader.int32(end)
    case 'int64':
      return reader.int64(end)
    case 'bytes':
      return reader.bytes(end).toString('base64')
    case 'json':
      return readJson(reader.string(end))
    default: {
      const fields = type.conversion ? {} : ((before ?? {}) as Plain)
      decodeInto(fields, type, reader, reader.enter(end))
      return type.conversion ? type.conversion.toJson(fields) : fields
    }
  }
}

function readJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return parseJson(text)
  } catch (error) {
    throw error instanceof DecodeError ? new WireError(error.message) : error
  }
}
