/** Connections that ask for another protocol: streams, proxies, and answers over a WebSocket. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { unauthorized } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import { STATUS_CODES } from '../../lib/http.ts'
import { withoutToken } from '../authentication/bearer.ts'
import type { UserInfo } from '../handler.ts'
import { methodNotAllowed } from '../http/errors.ts'
import { headersOf } from '../http/headers.ts'
import { errorResponse } from '../http/respond.ts'
import { proxyTarget } from '../proxy/target.ts'
import type { ApiServer } from '../server.ts'
import { answerHeaders } from './answer-headers.ts'
import { authenticate } from './authentication.ts'

export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** Bytes that came right behind the request. */
  readonly head: Buffer
}

export async function serveUpgrade(server: ApiServer, upgrade: Upgrade): Promise<void> {
  const { request, socket, head } = upgrade
  socket.on('error', () => socket.destroy())
  try {
    const user = await authenticate(server, request)
    if (!user) throw unauthorized()
    hideToken(request)
    const { method = 'GET', url: target = '/' } = request
    const proxied = proxyTarget(target)
    if (proxied) return await server.proxy(proxied, { request, socket, head }, user)
    if (await server.upgrade({ method, target, headers: headersOf(request), socket, head }, user)) return
    await answerAsEver(server, upgrade, user)
  } catch (error) {
    await write(errorResponse(error), upgrade)
  }
}

function hideToken({ headers }: IncomingMessage): void {
  const protocols = headers['sec-websocket-protocol']
  const rest = protocols && withoutToken(protocols)
  if (rest) headers['sec-websocket-protocol'] = rest
  else delete headers['sec-websocket-protocol']
}

/** A log or a watch goes over a WebSocket, where that is asked for. */
async function answerAsEver(server: ApiServer, upgrade: Upgrade, user: UserInfo): Promise<void> {
  const { request, socket } = upgrade
  const { method = 'GET', url: path = '/' } = request
  // A body would be among the bytes of the other protocol.
  if (method !== 'GET') throw methodNotAllowed()
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  const answer = await server.handle({ method, path, headers: headersOf(request), signal: gone.signal }, user)
  const { isForWebSocket, sendOverWebSocket } = await import('./websocket.ts')
  if (isForWebSocket(request, answer)) return sendOverWebSocket(answer, upgrade, gone)
  await write(answer, upgrade)
}

/** HTTP by hand: the parser has let go of the connection. */
async function write({ status, headers, body }: ApiResponse, { request, socket }: Upgrade): Promise<void> {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries({ ...answerHeaders(request), ...headers }).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  for await (const piece of body) {
    if (socket.destroyed) return
    await new Promise((resolve) => socket.write(piece, resolve))
  }
  socket.end()
}
