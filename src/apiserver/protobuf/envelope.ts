/**
 * Around every object: four bytes, then a runtime.Unknown with the object's kind and its message.
 *
 *   k8s\0 · Unknown { typeMeta = 1 { apiVersion = 1, kind = 2 }, raw = 2, contentEncoding = 3, contentType = 4 }
 */
import { WireError, WireReader, wireTypes } from './wire.ts'

const magic = Buffer.from('k8s\0')

export interface Envelope {
  /** Both '' where the sender did not say. */
  readonly apiVersion: string
  readonly kind: string
  /** The message in it; undefined when there is none. */
  readonly raw: Buffer | undefined
}

/** Throws WireError, in the words of upstream's serializer. */
export function openEnvelope(body: Buffer): Envelope {
  if (body.length === 0) throw new WireError('empty data')
  if (!body.subarray(0, magic.length).equals(magic)) {
    throw new WireError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  }
  if (body.length === magic.length) throw new WireError('empty body')
  const parts = lengthDelimited(body.subarray(magic.length), ['TypeMeta', 'Raw', 'ContentEncoding', 'ContentType'])
  const head = lengthDelimited(parts.get(1) ?? Buffer.alloc(0), ['APIVersion', 'Kind'])
  return { apiVersion: head.get(1)?.toString() ?? '', kind: head.get(2)?.toString() ?? '', raw: parts.get(2) }
}

/** The fields of a message that has but strings, bytes and messages; `names` are Go's, from number 1 on. */
function lengthDelimited(buffer: Buffer, names: readonly string[]): Map<number, Buffer> {
  const reader = new WireReader(buffer)
  const found = new Map<number, Buffer>()
  while (reader.at < buffer.length) {
    const { number, wireType } = reader.tag(buffer.length)
    const name = names[number - 1]
    if (!name) reader.skip(wireType, buffer.length)
    else if (wireType === wireTypes.bytes) found.set(number, reader.bytes(buffer.length))
    else throw new WireError(`proto: wrong wireType = ${wireType} for field ${name}`)
  }
  return found
}

/** How the envelopes of a kind begin. */
export function envelopeStart(apiVersion: string, kind: string): Buffer {
  const typeMeta = Buffer.concat([...delimited(1, Buffer.from(apiVersion)), ...delimited(2, Buffer.from(kind))])
  return Buffer.concat([magic, ...delimited(1, typeMeta)])
}

/** How all envelopes end: two empty strings, which in Go are no pointers. */
export const envelopeEnd = Buffer.from([(3 << 3) | wireTypes.bytes, 0, (4 << 3) | wireTypes.bytes, 0])

/** The field of an envelope that holds the message; between start and end there is nothing else. */
export const rawNumber = 2

/** Tag and length of a field; `number` is less than 16. */
export function fieldHead(number: number, length: number): Buffer {
  const bytes = [(number << 3) | wireTypes.bytes]
  let rest = length
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}

export function delimited(number: number, content: Buffer): [Buffer, Buffer] {
  return [fieldHead(number, content.length), content]
}
