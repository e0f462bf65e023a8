/** Building responses. Bodies are known buffers or streams; the HTTPS edge sends the former in one piece. */
import { internalError, StatusError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import { warningHeader } from './warnings.ts'

/** A body of known length: there already, or made piece by piece as it is read. */
export class BufferBody implements AsyncIterable<Buffer> {
  readonly pieces: Iterable<Buffer>
  /** In bytes. */
  readonly length: number

  constructor(buffers: readonly Buffer[])
  constructor(pieces: Iterable<Buffer>, length: number)
  constructor(pieces: Iterable<Buffer>, length = lengthOf(pieces)) {
    this.pieces = pieces
    this.length = length
  }

  /** All of it. Not to be changed: a single piece is not copied. */
  bytes(): Buffer {
    const [first, ...more] = this.pieces
    return first && more.length === 0 ? first : Buffer.concat(first ? [first, ...more] : [], this.length)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    yield* this.pieces
  }
}

function lengthOf(pieces: Iterable<Buffer>): number {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}

export type Headers = Readonly<Record<string, string>>

export const jsonType: Headers = { 'content-type': 'application/json' }
export const protobufType: Headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }

const newline = Buffer.from('\n')

/** A JSON document that is serialised already. */
export function jsonBytes(status: number, bytes: Buffer, headers: Headers = jsonType): ApiResponse {
  return { status, headers, body: new BufferBody([bytes, newline]) }
}

export function json(status: number, value: unknown, headers: Headers = jsonType): ApiResponse {
  return jsonBytes(status, Buffer.from(JSON.stringify(value)), headers)
}

export function text(status: number, body: string, headers: Headers = {}): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', ...headers },
    body: new BufferBody([Buffer.from(body)]),
  }
}

/** The page that is nowhere. */
export function notFoundPage(): ApiResponse {
  return text(404, '404 page not found\n')
}

/** The answer to whatever a handler threw. Anything that is not an API error is ours, and told so. */
export function errorResponse(error: unknown): ApiResponse {
  const failure =
    error instanceof StatusError ? error : internalError(error instanceof Error ? error.message : String(error))
  const retryAfter = failure.status.details?.retryAfterSeconds
  return json(failure.code, failure.status, retryAfter ? { ...jsonType, 'retry-after': String(retryAfter) } : jsonType)
}

/** The same response with its warnings. */
export function withWarnings(response: ApiResponse, warnings: ReadonlySet<string>): ApiResponse {
  if (warnings.size === 0) return response
  return { ...response, headers: { ...response.headers, warning: warningHeader(warnings) } }
}
