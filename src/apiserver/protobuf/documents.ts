/** Objects, lists and watch events as they go out. Every version of an object becomes a message once. */
import type { Entry } from '../cache/entry.ts'
import { encodeMessage } from './encode.ts'
import { delimited, envelopeEnd, envelopeStart, fieldHead, seal } from './envelope.ts'
import { findMessage, type Message, messageOfKind } from './messages.ts'

interface TypedObject {
  readonly apiVersion?: string
  readonly kind?: string
}

/** An object, complete with its envelope. Its kind must have a message. */
export function encodeObject(object: TypedObject): Buffer {
  const { apiVersion = '', kind = '' } = object
  const message = messageOfKind(apiVersion, kind)
  if (!message) throw new Error(`there is no message for ${apiVersion}.${kind}`)
  return seal(envelopeStart(apiVersion, kind), encodeMessage(message, object))
}

export function hasMessage({ apiVersion = '', kind = '' }: TypedObject): boolean {
  return messageOfKind(apiVersion, kind) !== undefined
}

/** Writes the stored objects of one resource. */
export interface ResourceEncoder {
  /** Complete with its envelope. */
  object(entry: Entry): Buffer
  /** `metadata` is the list's ListMeta. */
  list(metadata: object, entries: readonly Entry[]): Buffer[]
}

const encoders = new WeakMap<Message, ResourceEncoder>()

/** undefined when no message is known for the kind. */
export function resourceEncoder(apiVersion: string, kind: string): ResourceEncoder | undefined {
  const message = messageOfKind(apiVersion, kind)
  if (!message) return undefined
  let encoder = encoders.get(message)
  if (!encoder) {
    encoder = makeEncoder(apiVersion, kind, message)
    encoders.set(message, encoder)
  }
  return encoder
}

function makeEncoder(apiVersion: string, kind: string, message: Message): ResourceEncoder {
  const start = envelopeStart(apiVersion, kind)
  const listStart = envelopeStart(apiVersion, `${kind}List`)
  return {
    object: (entry) => seal(start, messageOf(message, entry)),
    list(metadata, entries) {
      const listMeta = delimited(1, encodeMessage(findMessage('meta/v1.ListMeta')!, metadata))
      const items = itemsOf(message, entries)
      const length = [...listMeta, ...items].reduce((sum, part) => sum + part.length, 0)
      return [listStart, fieldHead(2, length), ...listMeta, ...items, envelopeEnd]
    },
  }
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
