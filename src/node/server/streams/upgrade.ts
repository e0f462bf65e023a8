/** How a connection is taken over for streams: as a WebSocket or as SPDY/3.1, and in which subprotocol. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { lingerMs } from '../../../lib/drained.ts'
import { STATUS_CODES } from '../../../lib/http.ts'

/** A request that asks for another protocol, and its connection. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** Bytes that came right behind the request. */
  readonly head: Buffer
}

/** As golang.org/x/net/websocket. */
const messageBytesMax = 32 * 1024 * 1024

/** A constant of its own: the types of ws do not know closeTimeout yet. */
const serverOptions = { noServer: true, maxPayload: messageBytesMax, closeTimeout: lingerMs }

export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/** Subprotocols of either kind, in the client's order. */
export function offeredProtocols(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '')
}

/**
 * The first protocol of the client's that is supported; '' for a client that names none, where that is supported. A
 * client that names only others is refused, and `taken` is not called.
 */
export function acceptWebSocket(
  { request, socket, head }: Upgrade,
  supported: readonly string[],
  taken: (connection: WebSocket, protocol: string) => void,
): void {
  const offered = offeredProtocols(request.headers['sec-websocket-protocol'])
  const protocol = (offered.length > 0 ? offered : ['']).find((name) => supported.includes(name))
  if (protocol === undefined) {
    const text = `requested protocol(s) are not supported: [${offered.join(' ')}]; supports [${supported.join(' ')}]`
    return refuse(socket, 403, text)
  }
  // `SPDY/3.1+portforward.k8s.io` is no token (RFC 6455 4.1), and ws would refuse it: it does not get to see protocols.
  delete request.headers['sec-websocket-protocol']
  const server = new WebSocketServer(serverOptions)
  if (protocol) server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`))
  server.handleUpgrade(request, socket, head, (connection) => taken(connection, protocol))
}

/** The negotiated protocol once the connection speaks SPDY; undefined when it was refused. */
export function acceptSpdy({ request, socket, head }: Upgrade, supported: readonly string[]): string | undefined {
  const asked = request.headers.upgrade ?? ''
  const offered = offeredProtocols(request.headers['x-stream-protocol-version'])
  const protocol = offered.find((name) => supported.includes(name))
  if (offered.length === 0) refuse(socket, 400, 'unable to upgrade: X-Stream-Protocol-Version is required\n')
  else if (protocol === undefined) {
    const [clients, ours] = [offered, supported].map((names) => `[${names.join(' ')}]`)
    const text = `unable to upgrade: unable to negotiate protocol: client supports ${clients}, server accepts ${ours}\n`
    refuse(
      socket,
      403,
      text,
      supported.map((name) => `X-Accepted-Stream-Protocol-Versions: ${name}`),
    )
  } else if (!asked.toLowerCase().includes('spdy/3.1')) {
    refuse(socket, 400, `unable to upgrade: missing upgrade headers in request: Upgrade is ${JSON.stringify(asked)}\n`)
  } else {
    const lines = ['Connection: Upgrade', 'Upgrade: SPDY/3.1', `X-Stream-Protocol-Version: ${protocol}`]
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
    if (head.length > 0) socket.unshift(head)
    return protocol
  }
  return undefined
}

export function refuse(socket: Duplex, status: number, text: string, headers: readonly string[] = []): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: text/plain; charset=utf-8',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
    ...headers,
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`)
}
