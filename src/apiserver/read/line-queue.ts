/** A response body that is written to over time: lines go in synchronously, chunks come out as fast as they are read. */

/** Of lines that have not been read. */
const unreadBytesMax = 256 * 1024
/** Lines are sent together up to about this much. */
const chunkBytesMax = 64 * 1024
/** What was read is let go of at the latest after this many items. */
const readItemsMax = 1024

export class LineQueue implements AsyncIterable<Buffer> {
  readonly #onClose: () => void
  #items: (Buffer | Iterator<Buffer>)[] = []
  /** Items before this one have been read. */
  #read = 0
  #unreadBytes = 0
  #ended = false
  #closed = false
  #wake: (() => void) | undefined
  #refill: (() => void) | undefined

  /** `onClose` is called once, when the reader has left, was cut off or has read the end. */
  constructor(onClose: () => void) {
    this.#onClose = onClose
  }

  get ended(): boolean {
    return this.#ended
  }

  /** There is enough to read for now: what else there is to say waits for `whenRead`. */
  get full(): boolean {
    return this.#unreadBytes > unreadBytesMax
  }

  add(line: Buffer): void {
    if (this.#ended) return
    this.#items.push(line)
    this.#unreadBytes += line.length
    this.#wake?.()
  }

  /** Lines made as they are read: a slow reader holds no bytes of them. */
  addLazily(lines: Iterable<Buffer>): void {
    if (this.#ended) return
    this.#items.push(lines[Symbol.iterator]())
    this.#wake?.()
  }

  /** Calls `refill` once, when the reader has read all and wants more. */
  whenRead(refill: () => void): void {
    this.#refill = refill
    this.#wake?.()
  }

  /** No more lines; what is queued is still delivered. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** The reader is gone, or has to go. */
  close(): void {
    this.#items = []
    this.#read = 0
    this.#unreadBytes = 0
    this.end()
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = this.#chunk()
        if (chunk) yield chunk
        else if (this.#ended) return
        else if (this.#refill) this.#refillNow(this.#refill)
        else await this.#more()
      }
    } finally {
      this.close()
    }
  }

  #chunk(): Buffer | undefined {
    const lines: Buffer[] = []
    let bytes = 0
    while (bytes < chunkBytesMax) {
      const line = this.#line()
      if (!line) break
      lines.push(line)
      bytes += line.length
    }
    return lines.length > 1 ? Buffer.concat(lines, bytes) : lines[0]
  }

  #line(): Buffer | undefined {
    for (;;) {
      const item = this.#items[this.#read]
      if (!item) return undefined
      if (Buffer.isBuffer(item)) {
        this.#unreadBytes -= item.length
        this.#next()
        return item
      }
      const { done, value } = item.next()
      if (!done) return value
      this.#next()
    }
  }

  #next(): void {
    this.#read += 1
    if (this.#read < this.#items.length && this.#read < readItemsMax) return
    this.#items = this.#items.slice(this.#read)
    this.#read = 0
  }

  #refillNow(refill: () => void): void {
    this.#refill = undefined
    refill()
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
