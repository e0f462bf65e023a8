/** Messages on a TCP stream: two bytes of length before each (RFC 1035 4.2.2). */

export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2)
  framed.writeUInt16BE(message.length, 0)
  message.copy(framed, 2)
  return framed
}

/** Cuts a stream into messages; holds at most one incomplete message. */
export class Unframer {
  #pending: Buffer = Buffer.alloc(0)

  /** The messages that became complete with `chunk`. */
  push(chunk: Buffer): Buffer[] {
    let rest: Buffer = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk
    const messages: Buffer[] = []
    while (rest.length >= 2) {
      const end = 2 + rest.readUInt16BE(0)
      if (rest.length < end) break
      messages.push(rest.subarray(2, end))
      rest = rest.subarray(end)
    }
    this.#pending = rest
    return messages
  }
}
