/** Port-forward in a SPDY session: for each connection of the client a pair of streams, data and error. */
import type { Duplex } from 'node:stream'
import { SpdySession, type SpdyStream } from '../../../lib/spdy/index.ts'
import { type Forward, parsePort } from './ports.ts'

/** Within which the second stream of a pair comes. */
const pairMs = 30_000

interface Pair {
  data?: SpdyStream
  error?: SpdyStream
}

export function forwardSpdy(transport: Duplex, forward: Forward): SpdySession {
  const pairs = new Map<string, Pair & { readonly deadline: NodeJS.Timeout }>()
  const session = new SpdySession(transport, {
    openStreamsMax: streamsMax,
    accept(stream) {
      const { type, port, request } = parse(stream)
      const known = pairs.get(request)
      const pair = known ?? { deadline: setTimeout(() => giveUp(request), pairMs) }
      if (pair[type]) throw new Error(`request ${request} has its ${type} stream already`)
      pair[type] = stream
      pairs.set(request, pair)
      const { data, error } = pair
      if (!data || !error) return
      clearTimeout(pair.deadline)
      pairs.delete(request)
      error.resume()
      // Not before the reply to this stream is on its way.
      queueMicrotask(() => void forward(port, { data, error }))
    },
  })
  const giveUp = (request: string) => {
    const pair = pairs.get(request)
    pairs.delete(request)
    pair?.error?.end(`(request=${request}) timed out waiting for streams`)
    pair?.data?.destroy()
  }
  void session.closed.then(() => {
    for (const { deadline } of pairs.values()) clearTimeout(deadline)
  })
  return session
}

/** Two for each connection. */
const streamsMax = 8192

/** Throws with what is wrong, in the words of the kubelet. */
function parse({ id, headers }: SpdyStream): { type: 'data' | 'error'; port: number; request: string } {
  const text = headers.get('port')
  if (!text) throw new Error('"port" header is required')
  const port = parsePort(text)
  const type = headers.get('streamtype')
  if (!type) throw new Error('"streamType" header is required')
  if (type !== 'data' && type !== 'error') throw new Error(`invalid stream type ${JSON.stringify(type)}`)
  // Clients of before 1.2 name no request; they open the error stream first and the data stream right after it.
  return { type, port, request: headers.get('requestid') ?? String(type === 'error' ? id : id - 2) }
}
