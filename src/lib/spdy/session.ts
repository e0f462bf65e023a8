/**
 * The server's side of a SPDY/3.1 session over any byte stream, as the programs of Kubernetes speak it: they open all
 * streams, and neither send nor heed window updates. So there is no flow control per stream (draft 3.1, 2.6.8): a stream
 * that nobody reads holds up the reading of the whole connection.
 */
import type { Duplex } from 'node:stream'
import { lingerMs } from '../drained.ts'
import {
  dataBytesMax,
  dataHead,
  type Frame,
  FrameReader,
  goAwayFrame,
  pingFrame,
  resetStatus,
  rstStreamFrame,
  SpdyError,
  synReplyFrame,
} from './frames.ts'
import { HeaderDeflater, HeaderInflater, type Headers } from './headers.ts'
import { SpdyStream, type StreamPort } from './stream.ts'

export interface SessionOptions {
  /** A stream the peer has opened. Throws to have it reset instead. */
  readonly accept: (stream: SpdyStream) => void
  readonly openStreamsMax?: number
}

const streamsMaxDefault = 1024

/** While the connection is not read, its end is seen only by writing to it. */
const pingMs = 5000

const noHeaders: Headers = new Map()

export class SpdySession {
  /** Resolves when the connection is gone, however that came. */
  readonly closed: Promise<void>
  readonly #transport: Duplex
  readonly #options: SessionOptions
  readonly #streams = new Map<number, SpdyStream>()
  readonly #inflater = new HeaderInflater()
  readonly #deflater = new HeaderDeflater()
  #lastStreamId = 0

  constructor(transport: Duplex, options: SessionOptions) {
    this.#transport = transport
    this.#options = options
    transport.on('error', () => transport.destroy())
    this.closed = new Promise((resolve) => {
      transport.once('close', () => {
        for (const stream of this.#streams.values()) stream.receiveReset()
        this.#inflater.close()
        resolve()
      })
    })
    void this.#run()
  }

  /** Ends what streams are left, then the connection, once all that was written has been sent. */
  end(): void {
    for (const stream of this.#streams.values()) stream.destroy()
    if (this.#transport.destroyed) return
    this.#transport.write(goAwayFrame(this.#lastStreamId))
    this.#transport.end()
    const linger = setTimeout(() => this.#transport.destroy(), lingerMs)
    this.#transport.once('close', () => clearTimeout(linger))
  }

  async #run(): Promise<void> {
    const reader = new FrameReader()
    try {
      // What we have yet to say is still said to a peer that has ended its side.
      const chunks = this.#transport.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
      for await (const chunk of chunks) {
        for (const frame of reader.read(chunk)) await this.#receive(frame)
      }
      if (!this.#transport.writableEnded) this.#transport.end()
    } catch {
      // Of a broken connection nothing can be said to the peer, and to one that breaks the protocol nothing need be.
      this.#transport.destroy()
    }
  }

  async #receive(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'data':
        return this.#receiveData(frame.streamId, frame.data, frame.fin)
      case 'synStream':
        return this.#open(frame.streamId, await this.#inflater.inflate(frame.block), frame.fin)
      case 'synReply':
        throw new SpdyError('SYN_REPLY to a stream that was never opened')
      case 'headers':
        // Read all the same: the compression's state goes from block to block.
        await this.#inflater.inflate(frame.block)
        if (frame.fin) this.#streams.get(frame.streamId)?.receiveEnd()
        return
      case 'rstStream':
        this.#streams.get(frame.streamId)?.receiveReset()
        return
      case 'ping':
        // Ours have even ids; what comes back of them needs no answer.
        if (frame.id % 2 === 1) this.#transport.write(pingFrame(frame.id))
        return
      case 'goAway':
      case 'ignored':
        return
    }
  }

  async #receiveData(streamId: number, data: Buffer, fin: boolean): Promise<void> {
    const stream = this.#streams.get(streamId)
    // Data may be on its way to a stream that we have reset.
    if (!stream) return
    const room = stream.receive(data)
    if (fin) stream.receiveEnd()
    if (room) await this.#holdUp(room)
  }

  async #holdUp(room: Promise<void>): Promise<void> {
    let id = 0
    const timer = setInterval(() => {
      id += 2
      this.#transport.write(pingFrame(id))
    }, pingMs)
    await Promise.race([room, this.closed])
    clearInterval(timer)
  }

  #open(id: number, headers: Headers, fin: boolean): void {
    if (id % 2 === 0 || id <= this.#lastStreamId) throw new SpdyError(`stream id ${id} is not the next of a client`)
    this.#lastStreamId = id
    if (this.#streams.size >= (this.#options.openStreamsMax ?? streamsMaxDefault)) {
      this.#transport.write(rstStreamFrame(id, resetStatus.refusedStream))
      return
    }
    const stream = new SpdyStream(id, headers, this.#port)
    // An end that comes early is seen by whoever reads or writes the stream.
    stream.on('error', () => {})
    try {
      this.#options.accept(stream)
    } catch {
      this.#transport.write(rstStreamFrame(id, resetStatus.cancel))
      return
    }
    this.#streams.set(id, stream)
    // Before any data: clients drop what comes on a stream that has no reply.
    this.#transport.write(synReplyFrame(id, this.#deflater.deflate(noHeaders)))
    if (fin) stream.receiveEnd()
  }

  readonly #port: StreamPort = {
    send: (streamId, data, done) => {
      const transport = this.#transport
      transport.cork()
      for (let at = 0; at < data.length; at += dataBytesMax) {
        const piece = data.subarray(at, at + dataBytesMax)
        transport.write(dataHead(streamId, piece.length))
        if (at + dataBytesMax < data.length) transport.write(piece)
        else transport.write(piece, done)
      }
      if (data.length === 0) process.nextTick(done)
      transport.uncork()
    },
    fin: (streamId, done) => {
      this.#transport.write(dataHead(streamId, 0, true), done)
    },
    reset: (streamId) => {
      if (!this.#transport.destroyed && !this.#transport.writableEnded)
        this.#transport.write(rstStreamFrame(streamId, resetStatus.cancel))
    },
    closed: (streamId) => {
      this.#streams.delete(streamId)
    },
  }
}
