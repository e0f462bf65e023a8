/** get, list and watch, in the representation the client accepts. */
import { badRequest, notFoundError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { type Accepted, type IncludeObject, negotiate } from '../http/negotiation.ts'
import { BufferBody, jsonBytes, jsonType } from '../http/respond.ts'
import { waitForRevision } from './freshness.ts'
import { joinedItems } from './joined-items.ts'
import { type ListPage, list } from './list.ts'
import { parseListOptions, parseResourceVersion } from './options.ts'
import { select } from './selection.ts'
import { partialObject, tableDocument } from './table.ts'
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

export async function findEntry(
  context: ServerContext,
  { resource, namespace, name }: Pick<ResourceRequest, 'resource' | 'namespace' | 'name'>,
  resourceVersion = '',
): Promise<Entry | undefined> {
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
  request: ResourceRequest,
  accepted: Accepted,
  entry: Entry,
): Promise<ApiResponse> {
  const { resource, query } = request
  switch (accepted.as) {
    case 'object':
      return formatted(accepted, entry.bytes)
    case 'metadata':
      return formatted(accepted, Buffer.from(JSON.stringify(partialObject(entry.object))))
    case 'table': {
      const options = { include: includeOf(query), now: context.clock.now(), columns: 'all' as const }
      const metadata = { resourceVersion: String(entry.revision) }
      return formatted(accepted, tableDocument(resource, [entry], { ...options, metadata }))
    }
  }
}

async function listDocument(
  context: ServerContext,
  request: ResourceRequest,
  accepted: Accepted,
  page: ListPage,
): Promise<ApiResponse> {
  const { resource, query } = request
  const metadata = pageMetadata(page)
  switch (accepted.as) {
    case 'table': {
      const options = { include: includeOf(query), metadata, now: context.clock.now(), columns: 'all' as const }
      return formatted(accepted, tableDocument(resource, page.entries, options))
    }
    case 'metadata': {
      const items = page.entries.map((entry) => partialObject(entry.object))
      const value = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items }
      return formatted(accepted, Buffer.from(JSON.stringify(value)))
    }
    case 'object': {
      const buffers = objectList(resource.definition.kind, resource.apiVersion, metadata, page.entries)
      return accepted.format === 'yaml'
        ? formatted(accepted, Buffer.concat(buffers))
        : { status: 200, headers: jsonType, body: new BufferBody(buffers) }
    }
  }
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

/** A list document: the objects' bytes as they are, in between what makes them a list. */
export function objectList(kind: string, apiVersion: string, metadata: unknown, entries: readonly Entry[]): Buffer[] {
  const head = JSON.stringify({ kind: `${kind}List`, apiVersion, metadata })
  return [Buffer.from(`${head.slice(0, -1)},"items":[`), ...joinedItems(entries), listEnd]
}

async function formatted(accepted: Accepted, document: Buffer): Promise<ApiResponse> {
  if (accepted.format === 'json') return jsonBytes(200, document)
  const { stringify } = await import('yaml')
  const yaml = stringify(JSON.parse(document.toString()), { lineWidth: 0 })
  return { status: 200, headers: { 'content-type': 'application/yaml' }, body: new BufferBody([Buffer.from(yaml)]) }
}

function includeOf(query: URLSearchParams): IncludeObject {
  const include = query.get('includeObject') ?? ''
  switch (include) {
    case '':
    case 'Metadata':
      return 'Metadata'
    case 'None':
    case 'Object':
      return include
    default:
      throw badRequest(`unrecognized includeObject value: ${JSON.stringify(include)}`)
  }
}
