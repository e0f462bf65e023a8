/**
 * Numbered channels in one WebSocket, as Kubernetes has them: the first byte of a message names its channel. In the
 * base64 protocols that is a digit, and what follows is encoded.
 */
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

export type ChannelUse = 'read' | 'write' | 'both' | 'ignored'

export interface ChannelOptions {
  /** Of each channel, seen from this side. */
  readonly uses: readonly ChannelUse[]
  readonly base64: boolean
  /** Of protocol v5: message 255 with a channel's number says that no more will come on that channel. */
  readonly endSignal: boolean
}

const endOfChannel = 255
const digitZero = 48

/** While a connection is not read, its end is seen only by writing to it. */
const pingMs = 5000

export class Channels {
  readonly all: readonly Duplex[]
  readonly closed: Promise<void>
  readonly #connection: WebSocket
  readonly #options: ChannelOptions
  /** Channels that hold more than anybody reads now. */
  readonly #full = new Set<Channel>()
  #pinging: NodeJS.Timeout | undefined

  constructor(connection: WebSocket, options: ChannelOptions) {
    this.#connection = connection
    this.#options = options
    const channels = options.uses.map(
      (use, number) =>
        new Channel(use, {
          send: (data, done) => this.#send(number, data, done),
          full: (channel, isFull) => this.#holdUp(channel, isFull),
        }),
    )
    this.all = channels
    connection.on('message', (message: Buffer) => this.#receive(channels, message))
    connection.on('error', () => connection.terminate())
    this.closed = new Promise((resolve) => {
      connection.once('close', () => {
        clearInterval(this.#pinging)
        for (const channel of channels) {
          channel.receiveEnd()
          channel.destroy()
        }
        resolve()
      })
    })
  }

  /** Ends the connection once all that was written has been sent. */
  close(): void {
    for (const channel of this.#full) this.#holdUp(channel, false)
    this.#connection.close(1000)
  }

  #receive(channels: readonly Channel[], message: Buffer): void {
    const { base64, endSignal } = this.#options
    const [first] = message
    if (first === undefined) return
    if (endSignal && first === endOfChannel) {
      channels[message[1] ?? endOfChannel]?.receiveEnd()
      return
    }
    const payload = message.subarray(1)
    const channel = channels[base64 ? first - digitZero : first]
    channel?.receive(base64 ? Buffer.from(payload.toString('latin1'), 'base64') : payload)
  }

  #send(number: number, data: Buffer, done: (error?: Error) => void): void {
    const message = this.#options.base64
      ? `${number}${data.toString('base64')}`
      : Buffer.concat([Buffer.from([number]), data])
    this.#connection.send(message, done)
  }

  #holdUp(channel: Channel, isFull: boolean): void {
    const connection = this.#connection
    if (isFull) this.#full.add(channel)
    else this.#full.delete(channel)
    if (connection.readyState !== connection.OPEN) return
    if (this.#full.size === 0) {
      clearInterval(this.#pinging)
      this.#pinging = undefined
      connection.resume()
    } else if (!this.#pinging) {
      connection.pause()
      this.#pinging = setInterval(() => connection.ping(), pingMs)
    }
  }
}

interface ChannelPort {
  readonly send: (data: Buffer, done: (error?: Error) => void) => void
  readonly full: (channel: Channel, isFull: boolean) => void
}

class Channel extends Duplex {
  readonly #use: ChannelUse
  readonly #port: ChannelPort
  #ended = false
  #full = false

  constructor(use: ChannelUse, port: ChannelPort) {
    super({ allowHalfOpen: true })
    this.#use = use
    this.#port = port
    // A connection that is gone is seen by whoever writes or reads.
    this.on('error', () => {})
    if (use !== 'read' && use !== 'both') this.receiveEnd()
  }

  receive(data: Buffer): void {
    if (this.#ended || this.destroyed || data.length === 0 || this.push(data)) return
    this.#full = true
    this.#port.full(this, true)
  }

  receiveEnd(): void {
    if (this.#ended) return
    this.#ended = true
    this.push(null)
  }

  override _read(): void {
    if (!this.#full) return
    this.#full = false
    this.#port.full(this, false)
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#use === 'write' || this.#use === 'both') this.#port.send(data, done)
    else done()
  }

  /** Nothing tells the other side that no more will come on one channel, so that it ends both ways. */
  override _final(done: (error?: Error | null) => void): void {
    this.receiveEnd()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read()
    done(error)
  }
}
