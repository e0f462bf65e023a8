/** One stream of a session, as Node's duplex stream: `end()` half-closes, `destroy()` resets. */
import { Duplex } from 'node:stream'
import type { Headers } from './headers.ts'

/** What a stream asks of its session. */
export interface StreamPort {
  send(streamId: number, data: Buffer, done: (error?: Error | null) => void): void
  fin(streamId: number, done: (error?: Error | null) => void): void
  reset(streamId: number): void
  closed(streamId: number): void
}

/** How much a stream holds that nobody has read yet, before the whole session waits. */
const heldBytesMax = 256 * 1024

export class SpdyStream extends Duplex {
  readonly id: number
  readonly headers: Headers
  readonly #port: StreamPort
  #remoteEnded = false
  #wanted: (() => void) | undefined

  constructor(id: number, headers: Headers, port: StreamPort) {
    super({ readableHighWaterMark: heldBytesMax, allowHalfOpen: true })
    this.id = id
    this.headers = headers
    this.#port = port
  }

  /** Data of the peer. When there is no room for more, the promise resolves once there is. */
  receive(data: Buffer): Promise<void> | undefined {
    if (this.#remoteEnded || this.destroyed || data.length === 0 || this.push(data)) return undefined
    return new Promise<void>((resolve) => {
      this.#wanted = resolve
    })
  }

  receiveEnd(): void {
    if (this.#remoteEnded) return
    this.#remoteEnded = true
    this.push(null)
  }

  /** The peer gave the stream up. */
  receiveReset(): void {
    this.#remoteEnded = true
    this.push(null)
    this.#goOn()
    this.destroy()
  }

  override _read(): void {
    this.#goOn()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#port.send(this.id, chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#port.fin(this.id, done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#remoteEnded || !this.writableFinished) this.#port.reset(this.id)
    this.#goOn()
    this.#port.closed(this.id)
    done(error)
  }

  #goOn(): void {
    this.#wanted?.()
    this.#wanted = undefined
  }
}
