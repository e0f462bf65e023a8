/** What never gets to be a request of the API: it is answered as Go's net/http does. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ApiResponse } from '../../client/transport.ts'
import { methodNotAllowed } from '../http/errors.ts'
import { BufferBody, type Headers, jsonType } from '../http/respond.ts'
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

interface ParseError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer
}

/**
 * For a server's `clientError`; `last` is the connection's latest answer. Who was too slow, or is gone, is told nothing,
 * and neither is who is in the middle of an answer, which it would take for a part of that.
 */
export function answerBroken(error: ParseError, socket: Duplex, last?: ServerResponse): void {
  const { code = '' } = error
  const isHttp = code.startsWith('HPE_')
  // Told already: the parser complains of all that was on its way behind it.
  if (isHttp && socket.writableEnded) return
  const isAnswering = last?.headersSent && !last.writableEnded
  if (!isHttp || !socket.writable || isAnswering) socket.destroy()
  else if (hasStrangeMethod(error)) refuseMethod(socket)
  else endWith(socket, code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : badRequest, headers)
}

/** RFC 9110 9.1 */
const anyMethod = /^[\w!#$%&'*+.^`|~-]+ \S+ HTTP\/1\.[01]\r?\n/

/** Node's parser knows a list of methods, where Go's leaves it to who serves them. */
function hasStrangeMethod({ code, rawPacket }: ParseError): boolean {
  return code === 'HPE_INVALID_METHOD' && anyMethod.test(rawPacket?.toString('latin1') ?? '')
}

/** For a method that nothing of the API has and Node does not take for a request: CONNECT, and those it does not know. */
export function refuseMethod(socket: Duplex): void {
  const { status } = methodNotAllowed()
  endWith(socket, '405 Method Not Allowed', { ...jsonType, connection: 'close' }, `${JSON.stringify(status)}\n`)
}

/** Closed while the client still sends, a connection takes with it what the client has not read yet. As in Go. */
const readOnMs = 500

function endWith(socket: Duplex, line: string, headers: Headers, body = line): void {
  const lines = [`HTTP/1.1 ${line}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', body]
  // Who is gone meanwhile needs no answer.
  socket.on('error', () => socket.destroy())
  socket.end(lines.join('\r\n'))
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), readOnMs)
  socket.once('close', () => clearTimeout(timer))
}
