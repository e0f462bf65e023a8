/**
 * What is made of the same entries for many readers, in pieces: each is made when somebody wants it, and shared with who
 * wants it at about the same time. A slow reader holds one piece, not the whole.
 */
import type { Entry } from './entry.ts'

/** One way to write entries. */
export interface PieceForm {
  /** Names it among the forms of the same entries. */
  readonly id: string
  /** Pieces are at least this long, but for the last. */
  readonly pieceBytes: number
  /** Between two entries. */
  readonly separator?: Buffer
  readonly encode: (entry: Entry) => Buffer
}

export interface Pieces extends Iterable<Buffer> {
  /** Of all pieces together, in bytes. */
  byteLength(): number
}

/** Pieces with something before and after them. */
export function framed(start: Buffer, pieces: Pieces, end: Buffer): Pieces {
  return {
    byteLength: () => start.length + pieces.byteLength() + end.length,
    *[Symbol.iterator]() {
      yield start
      yield* pieces
      yield end
    },
  }
}

/** By the identity of the entries' array, which the cache keeps as long as nothing changes in it. */
const known = new WeakMap<readonly Entry[], Map<string, SharedPieces>>()

/** The pieces are never written to. */
export function sharedPieces(entries: readonly Entry[], form: PieceForm): Pieces {
  let byForm = known.get(entries)
  if (!byForm) {
    byForm = new Map()
    known.set(entries, byForm)
  }
  let pieces = byForm.get(form.id)
  if (!pieces) {
    pieces = new SharedPieces(entries, form)
    byForm.set(form.id, pieces)
  }
  return pieces
}

/** A piece that nobody has held meanwhile is made again. */
class SharedPieces implements Pieces {
  readonly #entries: readonly Entry[]
  readonly #form: PieceForm
  readonly #made: WeakRef<Buffer>[] = []
  /** Which entry each piece ends before, which is where the next begins. */
  readonly #ends: number[] = []
  #byteLength: number | undefined

  constructor(entries: readonly Entry[], form: PieceForm) {
    this.#entries = entries
    this.#form = form
  }

  byteLength(): number {
    if (this.#byteLength !== undefined) return this.#byteLength
    const { encode, separator } = this.#form
    let length = Math.max(0, this.#entries.length - 1) * (separator?.length ?? 0)
    for (const entry of this.#entries) length += encode(entry).length
    this.#byteLength = length
    return length
  }

  *[Symbol.iterator](): Generator<Buffer> {
    for (let i = 0; ; i++) {
      const piece = this.#made[i]?.deref() ?? this.#make(i)
      if (!piece) return
      yield piece
    }
  }

  /** undefined after the last. Those before it have been made, once. */
  #make(i: number): Buffer | undefined {
    const { encode, separator, pieceBytes } = this.#form
    const parts: Buffer[] = []
    let next = this.#ends[i - 1] ?? 0
    for (let bytes = 0; bytes < pieceBytes && next < this.#entries.length; next++) {
      const part = encode(this.#entries[next]!)
      if (separator && next > 0) parts.push(separator)
      parts.push(part)
      bytes += part.length
    }
    if (parts.length === 0) return undefined
    const piece = Buffer.concat(parts)
    this.#ends[i] = next
    this.#made[i] = new WeakRef(piece)
    return piece
  }
}
