/**
 * Answers in the representation their client accepts. Handlers answer in JSON, with the object itself; what is asked
 * for often (get, list and watch) is represented where it is read, and only passes here.
 */
import { scaleColumns } from '../api/common/scale.ts'
import type { ApiRequest, ApiResponse } from '../client/transport.ts'
import type { Clock } from '../lib/clock.ts'
import type { ResourceRequest } from './context.ts'
import { type Document, documentIn, inFormat, readsPretty } from './http/format.ts'
import { type Accepted, negotiate, negotiateFormat, negotiateUnprinted } from './http/negotiation.ts'
import { BufferBody, errorResponse, json } from './http/respond.ts'
import { includeOf } from './read/options.ts'
import { type Columns, columnsOf, partialObject, tableDocument } from './read/table.ts'
import type { ServedResource } from './registry.ts'
import { parseTarget } from './routing/route.ts'

type Request = Pick<ResourceRequest, 'resource' | 'subresource' | 'query' | 'headers'>

/** Subresources whose answers are not objects. */
const unnegotiated: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward', 'proxy'])

/** Subresources that nobody prints, as upstream's storage of them cannot make a Table. */
const unprinted: ReadonlySet<string> = new Set(['binding', 'eviction', 'token'])

/** Neither are reviews printed: they are answered, never stored. */
function isPrinted({ resource, subresource }: Request): boolean {
  const { verbs } = resource.definition
  return !unprinted.has(subresource) && (verbs === undefined || verbs.includes('get'))
}

/** `answer` does not begin when there is no acceptable form for what it returns. */
export async function represented(
  request: Request,
  clock: Clock,
  answer: () => Promise<ApiResponse>,
): Promise<ApiResponse> {
  if (unnegotiated.has(request.subresource)) return answer()
  const { query, headers } = request
  try {
    const accepted = (isPrinted(request) ? negotiate : negotiateUnprinted)(headers['accept'])
    const response = await answer()
    if (response.status >= 400) return response
    const transformed = accepted.as === 'object' ? response : transform(request, accepted.as, response, clock.now())
    return await inFormat({ type: accepted.format, pretty: readsPretty(query, headers['user-agent']) }, transformed)
  } catch (error) {
    return errorResponse(error)
  }
}

/** Errors are told in a format the client accepts, and in JSON where there is none. */
export function errorInFormat(request: ApiRequest, response: ApiResponse): ApiResponse | Promise<ApiResponse> {
  return response.status < 400 ? response : pageInFormat(request, response)
}

/** The same for discovery documents. What is no document of the API stays as it is. */
export function pageInFormat({ path, headers = {} }: ApiRequest, response: ApiResponse): Promise<ApiResponse> {
  const pretty = readsPretty(parseTarget(path).query, headers['user-agent'])
  return inFormat({ type: negotiateFormat(headers['accept']) ?? 'json', pretty }, response)
}

/** A Status is never anything else; the others are what a read has made already. */
const unchanging: ReadonlySet<string> = new Set([
  'Status',
  'Table',
  'PartialObjectMetadata',
  'PartialObjectMetadataList',
])

/** What a write answers with, as the client wants to see it. */
function transform(
  { resource, query }: Request,
  as: Exclude<Accepted['as'], 'object'>,
  response: ApiResponse,
  now: Date,
): ApiResponse {
  const document = documentIn(response)
  if (!document || unchanging.has(document.kind ?? '')) return response
  const { metadata, items } = document
  if (as === 'table') {
    const columns = columnsFor(resource, document)
    if (!columns) return response
    const options = { include: includeOf(query), metadata: { resourceVersion: metadata.resourceVersion }, now }
    const table = tableDocument(columns, items ?? [document], { ...options, columns: 'all' })
    return { ...response, body: new BufferBody([table]) }
  }
  const list = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata }
  return json(response.status, items ? { ...list, items: items.map(partialObject) } : partialObject(document))
}

/** undefined for what is neither of the resource's kind nor printed in a way of its own. */
function columnsFor(resource: ServedResource, { kind = '' }: Document): Columns | undefined {
  if (kind === 'Scale') return scaleColumns
  return kind.replace(/List$/, '') === resource.definition.kind ? columnsOf(resource) : undefined
}
