/**
 * Answers in the representation their client accepts. Handlers answer in JSON, with the object itself; what is asked
 * for often (get, list and watch) is represented where it is read, and only passes here.
 */
import type { KubeObject } from '../api/machinery/object.ts'
import { StatusError } from '../api/machinery/status.ts'
import type { ApiResponse } from '../client/transport.ts'
import type { Clock } from '../lib/clock.ts'
import type { ResourceRequest } from './context.ts'
import { type Accepted, mediaTypes, negotiate, negotiateFormat } from './http/negotiation.ts'
import { BufferBody, errorResponse, json } from './http/respond.ts'
import { loadProtobuf } from './protobuf/lazy.ts'
import { includeOf } from './read/options.ts'
import { partialObject, tableDocument } from './read/table.ts'

type Request = Pick<ResourceRequest, 'resource' | 'subresource' | 'query' | 'headers'>

/** Subresources whose answers are not objects. */
const unnegotiated: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward', 'proxy'])

/** `answer` does not begin when there is no acceptable form for what it returns. It must not throw. */
export async function represented(request: Request, clock: Clock, answer: () => Promise<ApiResponse>) {
  const accept = request.headers['accept']
  let accepted: Accepted | undefined
  try {
    accepted = unnegotiated.has(request.subresource) ? undefined : negotiate(accept)
  } catch (error) {
    return errorResponse(error)
  }
  const response = await answer()
  if (!accepted || response.status >= 400) return response
  const transformed = accepted.as === 'object' ? response : transform(request, accepted.as, response, clock.now())
  return inFormat(accepted.format, transformed)
}

/** An error is told in what the client accepts, and in JSON where that is nothing; anything else stays as it is. */
export function errorInFormat(accept: string | undefined, response: ApiResponse): ApiResponse | Promise<ApiResponse> {
  return response.status < 400 ? response : inFormat(negotiateFormat(accept) ?? 'json', response)
}

/** Discovery documents; other pages are what they are. */
export function pageInFormat(accept: string | undefined, response: ApiResponse): ApiResponse | Promise<ApiResponse> {
  return inFormat(negotiateFormat(accept) ?? 'json', response)
}

/** A JSON document of an API object in another format. Anything else stays as it is. */
async function inFormat(format: Accepted['format'], response: ApiResponse): Promise<ApiResponse> {
  const document = format === 'json' ? undefined : documentIn(response)
  if (!document) return response
  const bytes = await (format === 'yaml' ? toYaml(document) : toProtobuf(document))
  if (!bytes) return errorResponse(notMarshalable(document))
  const { status, headers } = response
  return { status, headers: { ...headers, 'content-type': mediaTypes[format] }, body: new BufferBody([bytes]) }
}

type Document = KubeObject & { readonly items?: readonly KubeObject[] }

/** undefined: not JSON, or nothing of the API. */
function documentIn({ headers, body }: ApiResponse): Document | undefined {
  if (headers['content-type'] !== mediaTypes.json || !(body instanceof BufferBody)) return undefined
  const document = JSON.parse(Buffer.concat(body.buffers).toString()) as Document
  return document.kind ? document : undefined
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
  as: 'table' | 'metadata',
  response: ApiResponse,
  now: Date,
): ApiResponse {
  const document = documentIn(response)
  if (!document || unchanging.has(document.kind ?? '')) return response
  const { metadata, items } = document
  if (as === 'table') {
    const options = { include: includeOf(query), metadata: { resourceVersion: metadata.resourceVersion }, now }
    const table = tableDocument(resource, items ?? [document], { ...options, columns: 'all' })
    return { ...response, body: new BufferBody([table]) }
  }
  const list = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata }
  return json(response.status, items ? { ...list, items: items.map(partialObject) } : partialObject(document))
}

async function toYaml(document: Document): Promise<Buffer> {
  const { stringify } = await import('yaml')
  return Buffer.from(stringify(document, { lineWidth: 0 }))
}

async function toProtobuf(document: Document): Promise<Buffer | undefined> {
  const { encodeObject, hasMessage } = await loadProtobuf()
  return hasMessage(document) ? encodeObject(document) : undefined
}

function notMarshalable({ kind, apiVersion }: Document): StatusError {
  const version = apiVersion?.split('/').at(-1)
  return new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message: `object *${version}.${kind} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`,
  })
}
