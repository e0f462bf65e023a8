/** get, list and watch, in the representation the client accepts. */

import { isPathSegment } from '../../api/common/validation.ts'
import { badRequest, notFoundError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { Entry } from '../cache/entry.ts'
import { framed, type PieceForm, type Pieces, sharedPieces } from '../cache/pieces.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { type Accepted, negotiate } from '../http/negotiation.ts'
import { BufferBody, type Headers, json, jsonBytes, jsonType, protobufType } from '../http/respond.ts'
import type { ResourceEncoder } from '../protobuf/index.ts'
import { loadProtobuf } from '../protobuf/lazy.ts'
import type { ServedResource } from '../registry.ts'
import { waitForRevision } from './freshness.ts'
import { type ListPage, list } from './list.ts'
import { includeOf, parseListOptions, parseResourceVersion } from './options.ts'
import { select } from './selection.ts'
import { columnsOf, partialObject, tableDocument } from './table.ts'
import { watch } from './watch.ts'

export async function handleGet(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const accepted = negotiate(request.headers['accept'])
  const entry = await readEntry(context, request, request.query.get('resourceVersion') ?? '')
  return documentOf(context, request, accepted, entry)
}

/** The stored object as of now (or not older than `resourceVersion`); throws 404. */
export async function readEntry(
  context: ServerContext,
  { resource, namespace, name }: Pick<ResourceRequest, 'resource' | 'namespace' | 'name'>,
  resourceVersion = '',
): Promise<Entry> {
  const entry = await findEntry(context, { resource, namespace, name }, resourceVersion)
  if (!entry) throw notFoundError(resource.groupResource, name)
  return entry
}

/** What `isPathSegment` complains of. */
const noSegment = /^\.\.?$|[/%]/

export async function findEntry(
  context: ServerContext,
  { resource, namespace, name }: Pick<ResourceRequest, 'resource' | 'namespace' | 'name'>,
  resourceVersion = '',
): Promise<Entry | undefined> {
  if (noSegment.test(name))
    throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${isPathSegment(name).join(';')}`)
  const cache = await context.feed.cache(resource)
  if (resourceVersion === '') await context.feed.current()
  else await waitForRevision(context, parseResourceVersion(resourceVersion))
  return cache.get(namespace, name)
}

export async function handleListOrWatch(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const { resource, namespace, name } = request
  const accepted = negotiate(request.headers['accept'])
  const options = parseListOptions(request.query)
  const { labelSelector, fieldSelector } = options
  const selection = select(resource, { labelSelector, fieldSelector, namespace, name })
  if (options.watch) {
    const include = includeOf(request.query)
    return watch(context, { resource, namespace, options, selection, accepted, include, signal: request.signal })
  }
  const page = await list(context, { resource, namespace, options, selection })
  return listDocument(context, request, accepted, page)
}

async function documentOf(
  context: ServerContext,
  { resource, query }: ResourceRequest,
  { as, format }: Accepted,
  entry: Entry,
): Promise<ApiResponse> {
  const encoder = format === 'protobuf' ? await encoderOf(resource) : undefined
  switch (as) {
    case 'object':
      return encoder ? protobuf(encoder.object(entry)) : jsonBytes(200, entry.bytes)
    case 'metadata':
      return json(200, partialObject(entry.object))
    case 'table': {
      const options = { include: includeOf(query), now: context.clock.now(), columns: 'all' as const }
      const metadata = { resourceVersion: String(entry.revision) }
      return jsonBytes(200, tableDocument(columnsOf(resource), [entry.object], { ...options, metadata }))
    }
  }
}

async function listDocument(
  context: ServerContext,
  { resource, query }: ResourceRequest,
  { as, format }: Accepted,
  page: ListPage,
): Promise<ApiResponse> {
  const metadata = pageMetadata(page)
  const encoder = format === 'protobuf' ? await encoderOf(resource) : undefined
  switch (as) {
    case 'object': {
      if (encoder) return pieced(protobufType, encoder.list(metadata, page.entries))
      return pieced(jsonType, objectList(resource.definition.kind, resource.apiVersion, metadata, page.entries))
    }
    case 'metadata': {
      const items = page.entries.map((entry) => partialObject(entry.object))
      return json(200, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items })
    }
    case 'table': {
      const options = { include: includeOf(query), metadata, now: context.clock.now(), columns: 'all' as const }
      const objects = page.entries.map((entry) => entry.object)
      return jsonBytes(200, tableDocument(columnsOf(resource), objects, options))
    }
  }
}

/** undefined: its kind has no message. What is then left in JSON is refused where all answers pass. */
async function encoderOf({ apiVersion, definition }: ServedResource): Promise<ResourceEncoder | undefined> {
  const { resourceEncoder } = await loadProtobuf()
  return resourceEncoder(apiVersion, definition.kind)
}

function protobuf(bytes: Buffer): ApiResponse {
  return { status: 200, headers: protobufType, body: new BufferBody([bytes]) }
}

/** A large document. */
export function pieced(headers: Headers, pieces: Pieces): ApiResponse {
  return { status: 200, headers, body: new BufferBody(pieces, pieces.byteLength()) }
}

/** A list's `metadata`. */
export function pageMetadata(page: ListPage) {
  return {
    resourceVersion: String(page.revision),
    ...(page.continue && { continue: page.continue }),
    ...(page.remaining !== undefined && { remainingItemCount: page.remaining }),
  }
}

const listEnd = Buffer.from(']}\n')

/** Objects as they are. The edge writes pieces of this size at once. */
const items: PieceForm = {
  id: 'json items',
  pieceBytes: 256 * 1024,
  separator: Buffer.from(','),
  encode: ({ bytes }) => bytes,
}

/** A list document: the objects' bytes as they are, in between what makes them a list. */
export function objectList(kind: string, apiVersion: string, metadata: unknown, entries: readonly Entry[]): Pieces {
  const head = JSON.stringify({ kind: `${kind}List`, apiVersion, metadata })
  return framed(Buffer.from(`${head.slice(0, -1)},"items":[`), sharedPieces(entries, items), listEnd)
}
