/** The little of ASN.1 DER (X.690) that certificates need: writing values, and stepping over those of one. */

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const hex = length.toString(16)
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length]), bytes, content])
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
export const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, ...parts)
export const octetString = (...parts: readonly Uint8Array[]): Buffer => der(0x04, ...parts)
export const utf8String = (text: string): Buffer => der(0x0c, Buffer.from(text))
export const trueValue: Buffer = der(0x01, Buffer.from([0xff]))

/** `[n]` around other values. */
export const explicit = (n: number, ...parts: readonly Uint8Array[]): Buffer => der(0xa0 | n, ...parts)

/** `[n]` in place of a primitive value's own tag. */
export const implicit = (n: number, content: Uint8Array): Buffer => der(0x80 | n, content)

/** From big-endian bytes of a positive number. */
export function integer(bytes: Uint8Array): Buffer {
  const sign = (bytes[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : []
  return der(0x02, ...sign, bytes)
}

/** `unusedBits` of the last byte do not count. */
export function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return der(0x03, Buffer.from([unusedBits]), content)
}

export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f]
    for (let high = arc >>> 7; high > 0; high >>>= 7) digits.unshift((high & 0x7f) | 0x80)
    return digits
  })
  return der(0x06, Buffer.from(bytes))
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

/** The values inside a constructed value, each with its tag and length. */
export function children(value: Buffer): Buffer[] {
  const found: Buffer[] = []
  let at = header(value, 0).start
  while (at < value.length) {
    const { end } = header(value, at)
    found.push(value.subarray(at, end))
    at = end
  }
  return found
}

function header(bytes: Buffer, at: number): { start: number; end: number } {
  const first = bytes.readUInt8(at + 1)
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const size = first & 0x7f
  const start = at + 2 + size
  return { start, end: start + bytes.readUIntBE(at + 2, size) }
}
