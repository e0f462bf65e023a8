/** Large answers, compressed while they are sent: nobody holds the whole of one. */
import type { IncomingMessage } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { ApiResponse } from '../../client/transport.ts'
import { acceptsGzip } from '../http/negotiation.ts'
import { BufferBody } from '../http/respond.ts'

/** Answers from this size on are compressed for clients that accept it; size and level as kube-apiserver's. */
const compressedBytesMin = 128 * 1024
const level = 1

export function isToCompress({ headers, body }: ApiResponse, request: IncomingMessage): boolean {
  if (!(body instanceof BufferBody) || body.length < compressedBytesMin || headers['content-encoding']) return false
  return acceptsGzip(request.headers['accept-encoding'])
}

export function compressed({ status, headers, body }: ApiResponse): ApiResponse {
  const vary = [headers['vary'], 'Accept-Encoding'].filter(Boolean).join(', ')
  return { status, headers: { ...headers, 'content-encoding': 'gzip', vary }, body: gzipped(body) }
}

async function* gzipped(body: ApiResponse['body']): AsyncGenerator<Buffer> {
  const { createGzip } = await import('node:zlib')
  const gzip = createGzip({ level })
  // What goes wrong is thrown to who reads.
  pipeline(Readable.from(body), gzip, () => {})
  yield* gzip as AsyncIterable<Buffer>
}
