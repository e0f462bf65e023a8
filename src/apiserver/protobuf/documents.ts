/** Objects, lists and watch events as they go out. Every version of an object becomes a message once. */
import type { Entry } from '../cache/entry.ts'
import { encodeMessage } from './encode.ts'
import { delimited, envelopeAround, fieldHead, seal } from './envelope.ts'
import { findMessage, type Message, messageOfKind } from './messages.ts'

/** An object, complete with its envelope; undefined when no message is known for its kind. */
export function encodeObject(object: { apiVersion?: string; kind?: string }): Buffer | undefined {
  const { apiVersion = '', kind = '' } = object
  const message = messageOfKind(apiVersion, kind)
  return message && seal(apiVersion, kind, encodeMessage(message, object))
}

/** A resource whose objects have messages. */
export interface EncodableResource {
  readonly apiVersion: string
  readonly kind: string
  readonly message: Message
}

/** undefined when no message is known for the kind. */
export function encodable(apiVersion: string, kind: string): EncodableResource | undefined {
  const message = messageOfKind(apiVersion, kind)
  return message && { apiVersion, kind, message }
}

/** A stored object, complete with its envelope. */
export function encodeEntry({ apiVersion, kind, message }: EncodableResource, entry: Entry): Buffer {
  return seal(apiVersion, kind, messageOf(message, entry))
}

/** Kept as long as the entry is, which is until the object changes and nobody watches from there any more. */
const messages = new WeakMap<Entry, Buffer>()

function messageOf(message: Message, entry: Entry): Buffer {
  let bytes = messages.get(entry)
  if (!bytes) {
    // Not entry.object: that would keep the parsed object as well.
    bytes = encodeMessage(message, entry.copy())
    messages.set(entry, bytes)
  }
  return bytes
}

/** A list of stored objects; `metadata` is its ListMeta. */
export function encodeList(resource: EncodableResource, metadata: object, entries: readonly Entry[]): Buffer[] {
  const listMeta = delimited(1, encodeMessage(findMessage('meta/v1.ListMeta')!, metadata))
  const items = itemsOf(resource.message, entries)
  const length = [...listMeta, ...items].reduce((sum, part) => sum + part.length, 0)
  const { head, tail } = envelopeAround(resource.apiVersion, `${resource.kind}List`, length)
  return [head, ...listMeta, ...items, tail]
}

/** By the identity of the entries' array. Weak twice: neither a state nobody lists nor a text nobody sends is kept. */
const joined = new WeakMap<readonly Entry[], WeakRef<readonly Buffer[]>>()
/** Pieces are about this long: what the HTTPS edge writes at once. */
const pieceBytes = 256 * 1024

function itemsOf(message: Message, entries: readonly Entry[]): readonly Buffer[] {
  const known = joined.get(entries)?.deref()
  if (known) return known
  const pieces: Buffer[] = []
  let parts: Buffer[] = []
  let length = 0
  for (const entry of entries) {
    const item = messageOf(message, entry)
    parts.push(fieldHead(2, item.length), item)
    length += item.length
    if (length < pieceBytes) continue
    pieces.push(Buffer.concat(parts))
    parts = []
    length = 0
  }
  if (parts.length > 0) pieces.push(Buffer.concat(parts))
  joined.set(entries, new WeakRef(pieces))
  return pieces
}

/** A frame of a watch: its length in four bytes, then a WatchEvent { type = 1, object = 2 { raw = 1 } }. */
export function encodeWatchEvent(type: string, object: Buffer): Buffer {
  const rawHead = fieldHead(1, object.length)
  const objectHead = fieldHead(2, rawHead.length + object.length)
  const parts = [...delimited(1, Buffer.from(type)), objectHead, rawHead, object]
  const length = Buffer.alloc(4)
  length.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat([length, ...parts])
}
