/**
 * Answers that go on, a log or a watch, as messages of a WebSocket: what browsers can read. Of a log each message is a
 * piece, behind an empty one that says that the connection stands; of a watch each is an event.
 */
import type { IncomingMessage } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ApiResponse } from '../../client/transport.ts'
import { STATUS_CODES } from '../../lib/http.ts'
import { BufferBody } from '../http/respond.ts'
import type { Upgrade } from './upgrade.ts'

const logProtocols = ['', 'binary.k8s.io', 'base64.binary.k8s.io']

/** Whether the answer is one that a client which asked for a WebSocket gets over it. */
export function isForWebSocket({ headers }: IncomingMessage, { status, body }: ApiResponse): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && status === 200 && !(body instanceof BufferBody)
}

export async function sendOverWebSocket(answer: ApiResponse, upgrade: Upgrade, gone: AbortController): Promise<void> {
  const isLog = answer.headers['content-type'] === 'text/plain'
  const offered = offeredProtocols(upgrade.request)
  const protocol = isLog
    ? (offered.length > 0 ? offered : ['']).find((name) => logProtocols.includes(name))
    : offered[0]
  if (isLog && protocol === undefined) {
    gone.abort()
    const text = `requested protocol(s) are not supported: [${offered.join(' ')}]; supports [${logProtocols.join(' ')}]`
    upgrade.socket.end(`HTTP/1.1 403 ${STATUS_CODES[403]}\r\nConnection: close\r\n\r\n${text}`)
    return
  }
  const connection = await open(upgrade, protocol ?? '')
  connection.on('close', () => gone.abort())
  connection.on('error', () => connection.terminate())
  const messages = isLog ? logMessages(answer.body, protocol === 'base64.binary.k8s.io') : lines(answer.body)
  try {
    for await (const message of messages) {
      if (connection.readyState !== connection.OPEN) break
      await new Promise((resolve) => connection.send(message, resolve))
    }
  } finally {
    connection.close(1000)
  }
}

function offeredProtocols({ headers }: IncomingMessage): string[] {
  const names = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return names.filter((name) => name !== '')
}

function open({ request, socket, head }: Upgrade, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => protocol || false })
  return new Promise((resolve) => server.handleUpgrade(request, socket, head, resolve))
}

async function* logMessages(pieces: AsyncIterable<Buffer>, base64: boolean): AsyncGenerator<Buffer | string> {
  yield base64 ? '' : Buffer.alloc(0)
  for await (const piece of pieces) yield base64 ? piece.toString('base64') : piece
}

const newline = 10

/** Each line with its end, as text. */
async function* lines(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const piece of pieces) {
    rest = rest.length > 0 ? Buffer.concat([rest, piece]) : piece
    for (let end = rest.indexOf(newline) + 1; end > 0; end = rest.indexOf(newline) + 1) {
      yield rest.toString('utf8', 0, end)
      rest = rest.subarray(end)
    }
  }
}
