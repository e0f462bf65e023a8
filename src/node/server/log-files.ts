/** Reading log files that grow, piece by piece, and sending what is read no faster than it is taken. */
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { findTail, LineRenderer, type LogOptions } from './log-lines.ts'

/** More than the longest entry (shim-run.pl cuts lines). */
const pieceBytes = 256 * 1024

const newline = 10

/** One log file, also after it was given another name. */
export class LogReader {
  readonly #handle: FileHandle
  readonly inode: number
  /** Every piece is read into it, and is done with before the next. */
  readonly #piece = Buffer.allocUnsafeSlow(pieceBytes)
  #position = 0

  private constructor(handle: FileHandle, inode: number) {
    this.#handle = handle
    this.inode = inode
  }

  /** Undefined when there is no such file. */
  static async open(path: string): Promise<LogReader | undefined> {
    const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    return handle && new LogReader(handle, (await handle.stat()).ino)
  }

  /** Moves on to the last `wanted` lines; returns how many there are. */
  async skipToTail(wanted: number): Promise<number> {
    const { size } = await this.#handle.stat()
    let found = 0
    let end = await this.#endOfLines(size)
    while (end > 0 && found < wanted) {
      const piece = await this.#pieceBefore(end)
      const tail = findTail(piece, wanted - found)
      found += tail.found
      end -= piece.length - tail.start
    }
    this.#position = end
    return found
  }

  /** All whole entries that are there by now. */
  async readTo(out: LogOutput): Promise<void> {
    for (;;) {
      const piece = await this.#read(this.#position, pieceBytes)
      const end = piece.lastIndexOf(newline) + 1
      if (end === 0 || out.closed) return
      this.#position += end
      await out.write(piece.subarray(0, end))
    }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  /** The shim may be in the middle of an entry. */
  async #endOfLines(size: number): Promise<number> {
    const start = Math.max(0, size - pieceBytes)
    const piece = await this.#read(start, size - start)
    return start + piece.lastIndexOf(newline) + 1
  }

  /** Whole entries up to `end`. */
  async #pieceBefore(end: number): Promise<Buffer> {
    const start = Math.max(0, end - pieceBytes)
    const piece = await this.#read(start, end - start)
    return start === 0 ? piece : piece.subarray(piece.indexOf(newline) + 1)
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const { bytesRead } = await this.#handle.read(this.#piece, 0, length, position)
    return this.#piece.subarray(0, bytesRead)
  }
}

/** The response; it is full once `limitBytes` are written. */
export class LogOutput {
  readonly #response: ServerResponse
  readonly #renderer: LineRenderer
  readonly #rendered = Buffer.allocUnsafeSlow(pieceBytes)
  #left: number

  constructor(response: ServerResponse, options: LogOptions) {
    this.#response = response
    this.#renderer = new LineRenderer(options)
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY
  }

  get closed(): boolean {
    return this.#left <= 0 || this.#response.destroyed || this.#response.writableEnded
  }

  onClose(fn: () => void): void {
    this.#response.on('close', fn)
  }

  /** Whole entries, a piece at most. Resolves when they are on their way and the buffer is free again. */
  async write(entries: Buffer): Promise<void> {
    const length = Math.min(this.#renderer.render(entries, this.#rendered), this.#left)
    this.#left -= length
    if (length === 0 || this.#response.destroyed) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#response.off('close', done)
        resolve()
      }
      this.#response.on('close', done)
      this.#response.write(this.#rendered.subarray(0, length), done)
    })
  }
}
