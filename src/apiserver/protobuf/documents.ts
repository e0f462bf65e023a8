/** Objects, lists and watch events as they go out. Every version of an object becomes a message once. */
import type { Entry } from '../cache/entry.ts'
import { encodeMessage } from './encode.ts'
import { delimited, envelopeEnd, envelopeStart, fieldHead, rawNumber } from './envelope.ts'
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
  const raw = delimited(rawNumber, encodeMessage(message, object))
  return Buffer.concat([envelopeStart(apiVersion, kind), ...raw, envelopeEnd])
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
    object: (entry) => Buffer.concat([start, fieldOf(message, entry), envelopeEnd]),
    list(metadata, entries) {
      const listMeta = delimited(1, encodeMessage(findMessage('meta/v1.ListMeta')!, metadata))
      const items = itemsOf(message, entries)
      const length = [...listMeta, ...items].reduce((sum, part) => sum + part.length, 0)
      return [listStart, fieldHead(rawNumber, length), ...listMeta, ...items, envelopeEnd]
    },
  }
}

/** Kept as long as the entry is, which is until the object changes and nobody watches from there any more. */
const fields = new WeakMap<Entry, Buffer>()

/** An object's message as field 2, which it is in lists and in its own envelope alike. */
function fieldOf(message: Message, entry: Entry): Buffer {
  let bytes = fields.get(entry)
  if (!bytes) {
    // Not entry.object: that would keep the parsed object as well.
    bytes = Buffer.concat(delimited(rawNumber, encodeMessage(message, entry.copy())))
    fields.set(entry, bytes)
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
    const item = fieldOf(message, entry)
    parts.push(item)
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
