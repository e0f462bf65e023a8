/** Objects, lists and watch events as they go out. Every version of an object becomes a message once. */
import type { Entry } from '../cache/entry.ts'
import { framed, type PieceForm, type Pieces, sharedPieces } from '../cache/pieces.ts'
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
  list(metadata: object, entries: readonly Entry[]): Pieces
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
  const items: PieceForm = { id: 'protobuf items', pieceBytes, encode: (entry) => fieldOf(message, entry) }
  return {
    object: (entry) => Buffer.concat([start, fieldOf(message, entry), envelopeEnd]),
    list(metadata, entries) {
      const [head, meta] = delimited(1, encodeMessage(findMessage('meta/v1.ListMeta')!, metadata))
      const pieces = sharedPieces(entries, items)
      const length = head.length + meta.length + pieces.byteLength()
      return framed(Buffer.concat([listStart, fieldHead(rawNumber, length), head, meta]), pieces, envelopeEnd)
    },
  }
}

/** Of a list's document: what the edge writes at once. */
const pieceBytes = 256 * 1024

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

/** A frame of a watch: its length in four bytes, then a WatchEvent { type = 1, object = 2 { raw = 1 } }. */
export function encodeWatchEvent(type: string, object: Buffer): Buffer {
  const rawHead = fieldHead(1, object.length)
  const objectHead = fieldHead(2, rawHead.length + object.length)
  const parts = [...delimited(1, Buffer.from(type)), objectHead, rawHead, object]
  const length = Buffer.alloc(4)
  length.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat([length, ...parts])
}
