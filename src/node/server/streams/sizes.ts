/** Sizes of a terminal in a stream of JSON objects; pieces may be cut anywhere. */

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** More than any size takes: what is longer is no size. */
const textMax = 4096

export class SizeReader {
  #text = ''

  /** Sizes that are whole by now; what is no size is passed over. */
  read(piece: Buffer): TerminalSize[] {
    this.#text = (this.#text + piece.toString()).slice(-textMax)
    const sizes: TerminalSize[] = []
    for (;;) {
      const object = /\{[^{}]*\}/.exec(this.#text)
      if (!object) return sizes
      this.#text = this.#text.slice(object.index + object[0].length)
      const size = parseSize(object[0])
      if (size) sizes.push(size)
    }
  }
}

function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
    return isLength(Width) && isLength(Height) ? { columns: Width, rows: Height } : undefined
  } catch {
    return undefined
  }
}

/** A terminal's lengths are 16 bits; zero is what a client without a terminal says. */
function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65536
}
