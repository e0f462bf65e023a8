/** How a watch writes: events, bookmarks and errors in the representation its client accepts. */
import type { Status } from '../../api/generated/meta.v1.ts'
import type { Entry } from '../cache/entry.ts'
import { type Flavour, jsonFlavour, plainFlavour } from '../cache/event.ts'
import { notAcceptable } from '../http/errors.ts'
import { type Accepted, type IncludeObject, mediaTypes } from '../http/negotiation.ts'
import { type Headers, jsonType } from '../http/respond.ts'
import { loadProtobuf } from '../protobuf/lazy.ts'
import type { ServedResource } from '../registry.ts'
import { partialObject, tableFlavours } from './table.ts'

export interface BookmarkMetadata {
  readonly resourceVersion: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface WatchEncoding {
  readonly headers: Headers
  /** The first event of a stream may say more than the others: only it describes a Table's columns. */
  readonly first: Flavour
  readonly rest: Flavour
  bookmark(metadata: BookmarkMetadata): Buffer
  error(status: Status): Buffer
}

export interface Representation {
  readonly resource: ServedResource
  readonly accepted: Accepted
  readonly include: IncludeObject
  readonly now: () => Date
}

/** Throws 406 for what does not stream. */
export async function watchEncoding(representation: Representation): Promise<WatchEncoding> {
  switch (representation.accepted.format) {
    case 'json':
      return jsonEncoding(representation)
    case 'protobuf':
      return protobufEncoding(representation)
    case 'yaml':
      throw notStreamed()
  }
}

const notStreamed = () => notAcceptable([mediaTypes.json, mediaTypes.protobuf].map((type) => `${type};stream=watch`))

function jsonEncoding(representation: Representation): WatchEncoding {
  const { resource, accepted } = representation
  return {
    headers: jsonType,
    ...flavoursOf(representation),
    bookmark: (metadata) => line('BOOKMARK', bookmarkObject(resource, accepted, metadata)),
    error: (status) => line('ERROR', status),
  }
}

async function protobufEncoding({ resource, accepted }: Representation): Promise<WatchEncoding> {
  const { encodeObject, encodeWatchEvent, resourceEncoder } = await loadProtobuf()
  const encoder = resourceEncoder(resource.apiVersion, resource.definition.kind)
  if (!encoder) throw notStreamed()
  const objectOf =
    accepted.as === 'metadata'
      ? (entry: Entry) => encodeObject(partialObject(entry.object))
      : (entry: Entry) => encoder.object(entry)
  const flavour: Flavour = {
    id: `protobuf ${accepted.as}`,
    encode: ({ type, entry }) => encodeWatchEvent(type, objectOf(entry)),
  }
  return {
    headers: { 'content-type': `${mediaTypes.protobuf};stream=watch` },
    first: flavour,
    rest: flavour,
    bookmark: (metadata) => encodeWatchEvent('BOOKMARK', encodeObject(bookmarkObject(resource, accepted, metadata))),
    error: (status) => encodeWatchEvent('ERROR', encodeObject(status)),
  }
}

const partialFlavour = jsonFlavour('metadata', (entry) => Buffer.from(JSON.stringify(partialObject(entry.object))))

function flavoursOf({ resource, accepted, include, now }: Representation): { first: Flavour; rest: Flavour } {
  switch (accepted.as) {
    case 'object':
      return { first: plainFlavour, rest: plainFlavour }
    case 'metadata':
      return { first: partialFlavour, rest: partialFlavour }
    case 'table':
      return tableFlavours(resource, include, now)
  }
}

function bookmarkObject({ apiVersion, definition }: ServedResource, { as }: Accepted, metadata: BookmarkMetadata) {
  const meta = { apiVersion: 'meta.k8s.io/v1', metadata }
  switch (as) {
    case 'object':
      return { kind: definition.kind, apiVersion, metadata }
    case 'metadata':
      return { kind: 'PartialObjectMetadata', ...meta }
    case 'table': {
      // The row is how the end of the initial events is found: it holds the bookmark's own metadata.
      const object = { kind: 'PartialObjectMetadata', ...meta }
      const rows = metadata.annotations ? [{ cells: [], object }] : []
      const { resourceVersion } = metadata
      return { kind: 'Table', ...meta, metadata: { resourceVersion }, columnDefinitions: null, rows }
    }
  }
}

function line(type: 'BOOKMARK' | 'ERROR', object: unknown): Buffer {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`)
}
