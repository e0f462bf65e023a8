/** What never gets to be a request of the API: it is answered as Go's net/http does. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ApiResponse } from '../../client/transport.ts'
import { BufferBody } from '../http/respond.ts'
import { isWellEscaped } from '../routing/route.ts'

/** A proxy's clients ask for whole URLs. RFC 9112 3.2.2 */
const absoluteForm = /^https?:\/\/[^/?]*/i

/** Makes the request's target one that begins with its path; false: it is none. */
export function takeTarget(request: IncomingMessage): boolean {
  const { url = '/' } = request
  if (url.startsWith('/') && !url.includes('%')) return true
  const target = url.replace(absoluteForm, '')
  request.url = target.startsWith('/') ? target : `/${target}`
  return isWellEscaped(request.url.split('?', 1)[0] ?? '')
}

const headers = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }
const badRequest = '400 Bad Request'

export function noTarget(): ApiResponse {
  return { status: 400, headers, body: new BufferBody([Buffer.from(badRequest)]) }
}

/**
 * For a server's `clientError`; `last` is the connection's latest answer. Who was too slow, or is gone, is told nothing,
 * and neither is who is in the middle of an answer, which it would take for a part of that.
 */
export function answerBroken({ code = '' }: NodeJS.ErrnoException, socket: Duplex, last?: ServerResponse): void {
  const isAnswering = last?.headersSent && !last.writableEnded
  if (!code.startsWith('HPE_') || !socket.writable || isAnswering) {
    socket.destroy()
    return
  }
  const line = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : badRequest
  const lines = [`HTTP/1.1 ${line}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', line]
  socket.end(lines.join('\r\n'))
}
