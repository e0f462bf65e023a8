/** The lines that a watch begins with. Who begins with the same state at about the same time shares their bytes. */
import type { Entry } from '../cache/entry.ts'
import type { Flavour } from '../cache/event.ts'

/** Lines are encoded together up to about this much. */
const pieceBytes = 64 * 1024

/** By the identity of the entries' array, which the cache keeps as long as nothing changes in it. */
const known = new WeakMap<readonly Entry[], Map<string, Pieces>>()

/** All entries as ADDED, made as they are taken. */
export function* sharedStateLines(entries: readonly Entry[], flavour: Flavour): Generator<Buffer> {
  const pieces = piecesOf(entries, flavour)
  for (let i = 0; ; i++) {
    const piece = pieces.at(i)
    if (!piece) return
    yield piece
  }
}

function piecesOf(entries: readonly Entry[], flavour: Flavour): Pieces {
  let byFlavour = known.get(entries)
  if (!byFlavour) {
    byFlavour = new Map()
    known.set(entries, byFlavour)
  }
  let pieces = byFlavour.get(flavour.id)
  if (!pieces) {
    pieces = new Pieces(entries, flavour)
    byFlavour.set(flavour.id, pieces)
  }
  return pieces
}

/** Encoded when asked for, and again when nobody has held them meanwhile: a slow reader keeps no bytes alive. */
class Pieces {
  readonly #entries: readonly Entry[]
  readonly #flavour: Flavour
  readonly #encoded: WeakRef<Buffer>[] = []
  /** Where each piece ends, which is where the next begins. */
  readonly #ends: number[] = []

  constructor(entries: readonly Entry[], flavour: Flavour) {
    this.#entries = entries
    this.#flavour = flavour
  }

  /** undefined after the last. Asked for in order. */
  at(i: number): Buffer | undefined {
    const there = this.#encoded[i]?.deref()
    if (there) return there
    const lines: Buffer[] = []
    let next = this.#ends[i - 1] ?? 0
    for (let bytes = 0; bytes < pieceBytes && next < this.#entries.length; next++) {
      const line = this.#flavour.encode({ type: 'ADDED', entry: this.#entries[next]! })
      lines.push(line)
      bytes += line.length
    }
    if (lines.length === 0) return undefined
    const piece = Buffer.concat(lines)
    this.#ends[i] = next
    this.#encoded[i] = new WeakRef(piece)
    return piece
  }
}
