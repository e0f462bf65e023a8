/** Large answers, compressed while they are sent: nobody holds the whole of one. */
import { pipeline, Readable } from 'node:stream'
import type { ApiResponse } from '../../client/transport.ts'

/** As kube-apiserver's. */
const level = 1

export function gzipped({ status, headers, body }: ApiResponse): ApiResponse {
  const vary = [headers['vary'], 'Accept-Encoding'].filter(Boolean).join(', ')
  return { status, headers: { ...headers, 'content-encoding': 'gzip', vary }, body: gzipOf(body) }
}

async function* gzipOf(body: ApiResponse['body']): AsyncGenerator<Buffer> {
  const { createGzip } = await import('node:zlib')
  const gzip = createGzip({ level })
  // What goes wrong is thrown to who reads.
  pipeline(Readable.from(body), gzip, () => {})
  yield* gzip as AsyncIterable<Buffer>
}
