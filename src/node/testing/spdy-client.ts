/** The client's side of SPDY/3.1 as client-go has it, for tests: header blocks by zlib, no flow control. */
import type { Duplex } from 'node:stream'
import { constants, createDeflate } from 'node:zlib'
import { dataHead, type Frame, FrameReader, rstStreamFrame, synStreamFrame } from '../../lib/spdy/frames.ts'
import { dictionary, formatHeaders } from '../../lib/spdy/headers.ts'

export interface ClientStream {
  readonly id: number
  readonly seen: Seen
}

/** How a stream stands. */
export class Seen {
  readonly chunks: Buffer[] = []
  replied = false
  ended = false
  reset = false

  get data(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

export class SpdyClient {
  readonly #transport: Duplex
  readonly #deflate = createDeflate({ dictionary })
  readonly #streams = new Map<number, ClientStream>()
  #nextId = 1
  #opening = Promise.resolve()
  #waiting: (() => void)[] = []
  closed = false

  constructor(transport: Duplex) {
    this.#transport = transport
    transport.on('error', () => transport.destroy())
    transport.on('close', () => {
      this.closed = true
      this.#wake()
    })
    const reader = new FrameReader()
    transport.on('data', (chunk: Buffer) => {
      for (const frame of reader.read(chunk)) this.#receive(frame)
      this.#wake()
    })
  }

  async open(headers: Record<string, string>): Promise<ClientStream> {
    const id = this.#nextId
    this.#nextId += 2
    const stream = { id, seen: new Seen() }
    this.#streams.set(id, stream)
    // One after the other: the compression's state goes from block to block.
    this.#opening = this.#opening.then(async () => {
      const block = await this.#compress(formatHeaders(new Map(Object.entries(headers))))
      this.#transport.write(synStreamFrame(id, block))
    })
    await this.until(`the answer to stream ${id}`, () => stream.seen.replied || stream.seen.reset)
    return stream
  }

  send({ id }: ClientStream, data: string | Buffer): boolean {
    const bytes = Buffer.from(data)
    this.#transport.write(dataHead(id, bytes.length))
    return this.#transport.write(bytes)
  }

  end({ id }: ClientStream): void {
    this.#transport.write(dataHead(id, 0, true))
  }

  reset({ id }: ClientStream): void {
    this.#transport.write(rstStreamFrame(id, 5))
  }

  close(): void {
    this.#transport.destroy()
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = Date.now() + 20_000
    while (!holds()) {
      if (this.closed || Date.now() > deadline)
        throw new Error(`${this.closed ? 'closed' : 'timed out'} before ${what}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000)
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #compress(block: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = []
      const take = (chunk: Buffer) => chunks.push(chunk)
      this.#deflate.on('data', take)
      this.#deflate.write(block)
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => {
        this.#deflate.off('data', take)
        resolve(Buffer.concat(chunks))
      })
    })
  }

  #receive(frame: Frame): void {
    if (!('streamId' in frame)) return
    const seen = this.#streams.get(frame.streamId)?.seen
    if (!seen) return
    if (frame.type === 'synReply') seen.replied = true
    if (frame.type === 'rstStream') seen.reset = true
    if (frame.type === 'data') {
      // Clients drop what comes before the reply.
      if (seen.replied) seen.chunks.push(frame.data)
      if (frame.fin) seen.ended = true
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
