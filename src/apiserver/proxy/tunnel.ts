/** A connection that is upgraded (WebSocket, SPDY) through the proxy: after the backend's answer, bytes both ways. */
import type { IncomingMessage } from 'node:http'
import { type Duplex, pipeline } from 'node:stream'
import { StatusError } from '../../api/machinery/status.ts'
import { relay } from '../http/relay.ts'
import { callBackend, type ForwardOptions, forwardedHeaders, unreachable } from './forward.ts'

/** Throws StatusError as long as nothing was sent to the client: 503 without a backend, 500 for an answer that makes no sense. */
export async function tunnel(
  request: IncomingMessage,
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
  { target, backend, agents }: ForwardOptions,
): Promise<void> {
  const { connection = 'Upgrade', upgrade = '' } = request.headers
  const call = callBackend(agents, backend, {
    method: request.method ?? 'GET',
    path: `${target.path || '/'}${target.search}`,
    headers: { ...forwardedHeaders(request, target), connection, upgrade },
  })
  await new Promise<void>((resolve, reject) => {
    call.on('upgrade', (answer, backendSocket, backendHead) => {
      socket.write(headOf(answer))
      if (backendHead.length > 0) socket.write(backendHead)
      if (head.length > 0) backendSocket.write(head)
      relay(socket, backendSocket)
      resolve()
    })
    // A refusal passes as it is, and with it ends the connection.
    call.on('response', (answer) => {
      const { statusCode = 0 } = answer
      if (statusCode < 400) {
        call.destroy()
        reject(new StatusError({ code: 500, message: `invalid upgrade response: status code ${statusCode}` }))
        return
      }
      socket.write(headOf(answer, { connection: 'close' }))
      // One that breaks off must not look as if it were complete.
      pipeline(answer, socket, () => resolve())
    })
    call.on('error', (error) => reject(unreachable(backend, error)))
    socket.once('close', () => call.destroy())
    call.end()
  })
}

/** The answer's head as text; `instead` replaces what it says of its connection and its framing. */
function headOf(answer: IncomingMessage, instead?: Readonly<Record<string, string>>): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`]
  const { rawHeaders: raw } = answer
  for (let i = 0; i < raw.length; i += 2) {
    if (instead && /^(connection|transfer-encoding|keep-alive)$/i.test(raw[i] ?? '')) continue
    lines.push(`${raw[i]}: ${raw[i + 1]}`)
  }
  lines.push(...Object.entries(instead ?? {}).map(([name, value]) => `${name}: ${value}`))
  return `${lines.join('\r\n')}\r\n\r\n`
}
