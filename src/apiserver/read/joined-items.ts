/** The items of a list document, shared by all who list the same state at about the same time. */
import type { Entry } from '../cache/entry.ts'

/** Pieces are about this long: what the HTTPS edge writes at once. */
export const pieceBytes = 256 * 1024

/** By the identity of the entries' array. Weak twice: neither a state nobody lists nor a text nobody sends is kept. */
const joined = new WeakMap<readonly Entry[], WeakRef<readonly Buffer[]>>()

/** The objects' bytes with commas between them. Shared: never written to. */
export function joinedItems(entries: readonly Entry[]): readonly Buffer[] {
  const known = joined.get(entries)?.deref()
  if (known) return known
  const pieces = join(entries)
  joined.set(entries, new WeakRef(pieces))
  return pieces
}

const comma = Buffer.from(',')

function join(entries: readonly Entry[]): Buffer[] {
  const pieces: Buffer[] = []
  let parts: Buffer[] = []
  let length = 0
  for (const [i, { bytes }] of entries.entries()) {
    if (i > 0) parts.push(comma)
    parts.push(bytes)
    length += bytes.length + 1
    if (length < pieceBytes) continue
    pieces.push(Buffer.concat(parts))
    parts = []
    length = 0
  }
  if (parts.length > 0) pieces.push(Buffer.concat(parts))
  return pieces
}
