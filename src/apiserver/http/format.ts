/** One JSON document in the format that a client accepts. */
import type { KubeObject } from '../../api/machinery/object.ts'
import { StatusError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import { loadProtobuf } from '../protobuf/lazy.ts'
import { type Accepted, mediaTypes } from './negotiation.ts'
import { BufferBody, errorResponse } from './respond.ts'

export interface Format {
  readonly type: Accepted['format']
  /** For human eyes; only JSON has two forms. */
  readonly pretty: boolean
}

/** As upstream guesses who reads: `?pretty=` says so, or else a browser or a command line tool does. */
export function readsPretty(query: URLSearchParams, userAgent = ''): boolean {
  const wish = query.get('pretty')
  return wish ? /^(?:1|t|true)$/i.test(wish) : /^(?:curl|Wget|Mozilla\/5\.0)/.test(userAgent)
}

export type Document = KubeObject & { readonly items?: readonly KubeObject[] }

/** undefined: the answer is not JSON, or nothing of the API. */
export function documentIn({ headers, body }: ApiResponse): Document | undefined {
  if (headers['content-type'] !== mediaTypes.json || !(body instanceof BufferBody)) return undefined
  const document = JSON.parse(body.bytes().toString()) as Document
  return document.kind ? document : undefined
}

/** A JSON document of the API in another format. Anything else stays as it is. */
export async function inFormat({ type, pretty }: Format, response: ApiResponse): Promise<ApiResponse> {
  const document = type === 'json' && !pretty ? undefined : documentIn(response)
  if (!document) return response
  const bytes = await writers[type](document)
  if (!bytes) return errorResponse(notMarshalable(document))
  const { status, headers } = response
  return { status, headers: { ...headers, 'content-type': mediaTypes[type] }, body: new BufferBody([bytes]) }
}

type Writer = (document: Document) => Buffer | undefined | Promise<Buffer | undefined>

const writers: Readonly<Record<Format['type'], Writer>> = {
  json: (document) => Buffer.from(JSON.stringify(document, undefined, 2)),
  async yaml(document) {
    const { stringify } = await import('yaml')
    // As Go writes it: for readers of YAML 1.1, to whom times and `yes` are no strings without quotes.
    const style = { version: '1.1', sortMapEntries: true, indentSeq: false, lineWidth: 0 } as const
    return Buffer.from(stringify(document, style))
  },
  async protobuf(document) {
    const { encodeObject, hasMessage } = await loadProtobuf()
    return hasMessage(document) ? encodeObject(document) : undefined
  },
}

function notMarshalable({ kind, apiVersion }: Document): StatusError {
  const version = apiVersion?.split('/').at(-1)
  return new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message: `object *${version}.${kind} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`,
  })
}
