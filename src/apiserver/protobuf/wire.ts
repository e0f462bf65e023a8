/** The protocol buffers wire format, as far as Kubernetes objects need it. Pure; refuses what is cut short. */

export interface WireField {
  readonly number: number
  /** varint: a signed 64-bit integer; fixed: 4 or 8 raw bytes; bytes: a string, a message, or bytes. */
  readonly value: bigint | Buffer
}

export class WireError extends Error {
  constructor(message: string) {
    super(`proto: ${message}`)
    this.name = 'WireError'
  }
}

export function* wireFields(buffer: Buffer): Generator<WireField> {
  const reader = { at: 0 }
  while (reader.at < buffer.length) {
    const tag = Number(readVarint(buffer, reader))
    const number = tag >>> 3
    switch (tag & 7) {
      case 0:
        yield { number, value: BigInt.asIntN(64, readVarint(buffer, reader)) }
        break
      case 1:
        yield { number, value: take(buffer, reader, 8) }
        break
      case 2:
        yield { number, value: take(buffer, reader, Number(readVarint(buffer, reader))) }
        break
      case 5:
        yield { number, value: take(buffer, reader, 4) }
        break
      default:
        throw new WireError(`illegal wireType ${tag & 7}`)
    }
  }
}

function readVarint(buffer: Buffer, reader: { at: number }): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = buffer[reader.at++]
    if (byte === undefined) throw new WireError('unexpected EOF')
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
  throw new WireError('integer overflow')
}

function take(buffer: Buffer, reader: { at: number }, length: number): Buffer {
  const end = reader.at + length
  if (end > buffer.length) throw new WireError('unexpected EOF')
  const bytes = buffer.subarray(reader.at, end)
  reader.at = end
  return bytes
}
