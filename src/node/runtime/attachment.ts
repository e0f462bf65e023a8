/** The container's own streams, as its shim passes them on to whoever is attached (shim-attach.pl). */
import type { Socket } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import { drained } from '../../lib/drained.ts'

/** What a frame's first byte says; four bytes of length and the payload follow. */
const frameType = { stdin: 0, stdout: 1, stderr: 2, wants: 3, size: 4, endOfStdin: 5 } as const

const headBytes = 5

export interface Wanted {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
}

export class Attachment {
  /** Its end is told to the shim, which knows what follows. */
  readonly stdin: Writable
  /** Both end when the container does, or when the shim lets us go. */
  readonly stdout = new PassThrough()
  readonly stderr = new PassThrough()
  readonly #socket: Socket

  constructor(socket: Socket, wanted: Wanted) {
    this.#socket = socket
    socket.on('error', () => socket.destroy())
    const words = Object.entries(wanted).flatMap(([name, isWanted]) => (isWanted ? [name] : []))
    socket.write(frame(frameType.wants, Buffer.from(words.join(' '))))
    this.stdin = new Writable({
      write: (data: Buffer, _encoding, done) => this.#send(frameType.stdin, data, done),
      final: (done) => this.#send(frameType.endOfStdin, Buffer.alloc(0), done),
    })
    // The container may end at any time.
    this.stdin.on('error', () => {})
    socket.once('close', () => this.stdin.destroy())
    void this.#read()
  }

  resize(columns: number, rows: number): void {
    if (this.#socket.writable) this.#socket.write(frame(frameType.size, Buffer.from(`${columns} ${rows}`)))
  }

  close(): void {
    this.#socket.destroy()
  }

  #send(type: number, data: Buffer, done: (error?: Error | null) => void): void {
    this.#socket.write(frame(type, data), done)
  }

  async #read(): Promise<void> {
    let rest: Buffer = Buffer.alloc(0)
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        rest = await this.#pass(rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk)
      }
    } catch {
      // A shim that is gone ends the streams as one that closes them.
    }
    this.#socket.destroy()
    this.stdout.end()
    this.stderr.end()
  }

  /** Passes whole frames on, no faster than they are taken; returns what is left. */
  async #pass(bytes: Buffer): Promise<Buffer> {
    let rest = bytes
    while (rest.length >= headBytes) {
      const end = headBytes + rest.readUInt32BE(1)
      if (rest.length < end) break
      const stream = rest[0] === frameType.stdout ? this.stdout : this.stderr
      await taken(stream, rest.subarray(headBytes, end))
      rest = rest.subarray(end)
    }
    return rest
  }
}

function frame(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt8(type)
  head.writeUInt32BE(payload.length, 1)
  return Buffer.concat([head, payload])
}

function taken(stream: PassThrough, data: Buffer): Promise<void> | undefined {
  return stream.destroyed || stream.write(data) ? undefined : drained(stream)
}
