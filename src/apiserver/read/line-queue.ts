/** A response body that is written to over time: lines go in synchronously, chunks come out as fast as they are read. */

/** Beyond this much unread live data a reader counts as stuck. */
const unreadBytesMax = 16 * 1024 * 1024
/** Lines are sent together up to about this much. */
const chunkBytesMax = 64 * 1024

export class LineQueue implements AsyncIterable<Buffer> {
  readonly #onClose: () => void
  #lines: Buffer[] = []
  #unreadBytes = 0
  #ended = false
  #closed = false
  #wake: (() => void) | undefined

  /** `onClose` is called once, when the reader has left or has read the end. */
  constructor(onClose: () => void) {
    this.#onClose = onClose
  }

  get ended(): boolean {
    return this.#ended
  }

  /** What the stream starts with. Does not count as unread: it is shared with the cache, not held for the reader. */
  begin(lines: readonly Buffer[]): void {
    this.#lines.push(...lines)
    this.#wake?.()
  }

  /** A reader that does not keep up is cut off; it starts again from the last version it saw. */
  push(line: Buffer): void {
    if (this.#ended) return
    this.#lines.push(line)
    this.#unreadBytes += line.length
    if (this.#unreadBytes > unreadBytesMax) {
      this.#lines = []
      this.end()
    }
    this.#wake?.()
  }

  /** No more lines; what is queued is still delivered. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** The reader is gone. */
  close(): void {
    this.#lines = []
    this.end()
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        if (this.#lines.length > 0) yield* this.#take()
        else if (this.#ended) return
        else await this.#more()
      }
    } finally {
      this.close()
    }
  }

  #take(): Buffer[] {
    const lines = this.#lines
    this.#lines = []
    this.#unreadBytes = 0
    return lines.length === 1 ? lines : joined(lines)
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}

function joined(lines: readonly Buffer[]): Buffer[] {
  const chunks: Buffer[] = []
  let from = 0
  let bytes = 0
  for (const [i, line] of lines.entries()) {
    bytes += line.length
    if (bytes < chunkBytesMax && i < lines.length - 1) continue
    chunks.push(Buffer.concat(lines.slice(from, i + 1)))
    from = i + 1
    bytes = 0
  }
  return chunks
}
