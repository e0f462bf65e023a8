/** Frames of SPDY/3.1 (draft 3, section 2.2), as bytes and back. Pure. */

/** Header blocks are still compressed here. */
export type Frame =
  | {
      readonly type: 'data'
      readonly streamId: number
      /** A piece of a frame's payload; `fin` comes with the last. */
      readonly data: Buffer
      readonly fin: boolean
    }
  | { readonly type: 'synStream'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'synReply'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'headers'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'rstStream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goAway'; readonly lastStreamId: number }
  /** Settings, window updates, and types this version does not have: nothing follows from them. */
  | { readonly type: 'ignored' }

/** The peer broke the protocol; the session cannot go on. */
export class SpdyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SpdyError'
  }
}

/** Status of RST_STREAM. */
export const resetStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const

const control = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7, headers: 8 } as const
const version = 3
const headBytes = 8
const finFlag = 1
const idMask = 0x7fffffff
export const dataBytesMax = 0xffffff
/** Our clients' control frames have some hundred bytes. */
const controlBytesMax = 64 * 1024

const none = Buffer.alloc(0)

/** Cuts a byte stream into frames. The payload of data frames is passed on as it comes. */
export class FrameReader {
  #pending: Buffer = none
  #data: { readonly streamId: number; readonly fin: boolean; left: number } | undefined;

  /** Throws SpdyError. */
  *read(chunk: Buffer): Generator<Frame> {
    let rest = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk
    this.#pending = none
    for (;;) {
      if (this.#data) {
        const piece = rest.subarray(0, this.#data.left)
        if (piece.length === 0 && this.#data.left > 0) return
        rest = rest.subarray(piece.length)
        yield this.#dataFrame(this.#data, piece)
      } else {
        const frame = this.#next(rest)
        if (frame === undefined) {
          this.#pending = rest
          return
        }
        rest = rest.subarray(frame.bytes)
        if (frame.control) yield frame.control
      }
    }
  }

  #dataFrame(data: { readonly streamId: number; readonly fin: boolean; left: number }, piece: Buffer): Frame {
    data.left -= piece.length
    const isLast = data.left === 0
    if (isLast) this.#data = undefined
    return { type: 'data', streamId: data.streamId, data: piece, fin: data.fin && isLast }
  }

  /** The frame that `bytes` begins with, and how much of them it took; undefined when more is needed. */
  #next(bytes: Buffer): { readonly bytes: number; readonly control?: Frame } | undefined {
    if (bytes.length < headBytes) return undefined
    const first = bytes.readUInt32BE(0)
    const flags = bytes.readUInt8(4)
    const length = bytes.readUIntBE(5, 3)
    if (first >>> 31 === 0) {
      this.#data = { streamId: first, fin: (flags & finFlag) !== 0, left: length }
      return { bytes: headBytes }
    }
    if (((first >>> 16) & 0x7fff) !== version) throw new SpdyError(`SPDY version ${(first >>> 16) & 0x7fff} is not 3`)
    if (length > controlBytesMax) throw new SpdyError(`control frame of ${length} bytes`)
    if (bytes.length < headBytes + length) return undefined
    const payload = bytes.subarray(headBytes, headBytes + length)
    return { bytes: headBytes + length, control: parseControl(first & 0xffff, flags, payload) }
  }
}

function parseControl(type: number, flags: number, payload: Buffer): Frame {
  const fin = (flags & finFlag) !== 0
  const word = (index: number) => {
    if (payload.length < index * 4 + 4) throw new SpdyError(`control frame of type ${type} is too short`)
    return payload.readUInt32BE(index * 4)
  }
  const streamId = () => word(0) & idMask
  switch (type) {
    case control.synStream:
      // After the two stream ids: priority and slot, two bytes.
      if (payload.length < 10) throw new SpdyError('SYN_STREAM is too short')
      return { type: 'synStream', streamId: streamId(), fin, block: payload.subarray(10) }
    case control.synReply:
      return { type: 'synReply', streamId: streamId(), fin, block: payload.subarray(4) }
    case control.headers:
      return { type: 'headers', streamId: streamId(), fin, block: payload.subarray(4) }
    case control.rstStream:
      return { type: 'rstStream', streamId: streamId(), status: word(1) }
    case control.ping:
      return { type: 'ping', id: word(0) }
    case control.goAway:
      return { type: 'goAway', lastStreamId: streamId() }
    default:
      return { type: 'ignored' }
  }
}

/** The eight bytes before a data frame's payload. */
export function dataHead(streamId: number, length: number, fin = false): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt32BE(streamId, 0)
  head.writeUInt8(fin ? finFlag : 0, 4)
  head.writeUIntBE(length, 5, 3)
  return head
}

function controlFrame(type: number, payload: Buffer, fin = false): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt16BE(0x8000 | version, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt8(fin ? finFlag : 0, 4)
  head.writeUIntBE(payload.length, 5, 3)
  return Buffer.concat([head, payload])
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4))
  return bytes
}

export function synStreamFrame(streamId: number, block: Buffer, fin = false): Buffer {
  return controlFrame(control.synStream, Buffer.concat([words(streamId, 0), Buffer.alloc(2), block]), fin)
}

export function synReplyFrame(streamId: number, block: Buffer): Buffer {
  return controlFrame(control.synReply, Buffer.concat([words(streamId), block]))
}

export function rstStreamFrame(streamId: number, status: number): Buffer {
  return controlFrame(control.rstStream, words(streamId, status))
}

export function pingFrame(id: number): Buffer {
  return controlFrame(control.ping, words(id))
}

/** Status 0: all is well. */
export function goAwayFrame(lastStreamId: number): Buffer {
  return controlFrame(control.goAway, words(lastStreamId, 0))
}
