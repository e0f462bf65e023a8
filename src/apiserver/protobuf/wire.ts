/** Reading the protocol buffers wire format, as the code that gogo generates for Kubernetes does, in its words. Pure. */

/** What makes bytes no message. The text is Go's. */
export class WireError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WireError'
  }
}

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const

const unexpectedEnd = () => new WireError('unexpected EOF')

/** Walks over a buffer; the bounds of nested messages are the caller's (`end`). Never reads outside of the buffer. */
export class WireReader {
  readonly buffer: Buffer
  at = 0
  /** Of the last varint read: its lower and upper 32 bits, both as signed numbers. */
  #low = 0
  #high = 0

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  /** A field's number, and its wire type in the lower three bits. */
  tag(end: number): { number: number; wireType: number } {
    this.#varint(end)
    return { number: (this.#high << 29) | (this.#low >>> 3), wireType: this.#low & 7 }
  }

  int32(end: number): number {
    this.#varint(end)
    return this.#low
  }

  /** Exact up to 2^53, which JSON numbers in JavaScript are as well. */
  int64(end: number): number {
    this.#varint(end)
    return this.#high * 2 ** 32 + (this.#low >>> 0)
  }

  bool(end: number): boolean {
    this.#varint(end)
    return this.#low !== 0 || this.#high !== 0
  }

  /** Reads a length and returns where what it belongs to ends; it begins at `at`. */
  enter(end: number): number {
    this.#varint(end)
    if (this.#high < 0) throw new WireError('proto: negative length found during unmarshaling')
    const inner = this.at + this.#high * 2 ** 32 + (this.#low >>> 0)
    if (inner > end) throw unexpectedEnd()
    return inner
  }

  /** A length and as many bytes, not copied. */
  bytes(end: number): Buffer {
    const inner = this.enter(end)
    const bytes = this.buffer.subarray(this.at, inner)
    this.at = inner
    return bytes
  }

  string(end: number): string {
    const inner = this.enter(end)
    const text = this.buffer.toString('utf8', this.at, inner)
    this.at = inner
    return text
  }

  /** Passes over the value of a field whose tag has been read; a group with all that is in it. */
  skip(wireType: number, end: number): void {
    let depth = 0
    for (let type = wireType; ; type = this.tag(end).wireType) {
      switch (type) {
        case wireTypes.varint:
          this.#varint(end)
          break
        case wireTypes.fixed64:
          this.at += 8
          break
        case wireTypes.bytes:
          this.at = this.enter(end)
          break
        case wireTypes.startGroup:
          depth++
          break
        case wireTypes.endGroup:
          if (depth === 0) throw new WireError('proto: unexpected end of group')
          depth--
          break
        case wireTypes.fixed32:
          this.at += 4
          break
        default:
          throw new WireError(`proto: illegal wireType ${type}`)
      }
      if (this.at > end) throw unexpectedEnd()
      if (depth === 0) return
    }
  }

  #varint(end: number): void {
    this.#low = 0
    this.#high = 0
    for (let shift = 0; shift < 64; shift += 7) {
      if (this.at >= end) throw unexpectedEnd()
      const byte = this.buffer[this.at++]!
      const bits = byte & 0x7f
      if (shift < 32) this.#low |= bits << shift
      if (shift >= 32) this.#high |= bits << (shift - 32)
      else if (shift === 28) this.#high = bits >> 4
      if (byte < 0x80) return
    }
    throw new WireError('proto: integer overflow')
  }
}
