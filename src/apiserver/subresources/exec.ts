/**
 * pods/exec: the request is checked here, then the client's connection and one to the node's agent are joined byte for
 * byte. Client and agent agree on the WebSocket subprotocol; the server only relays the handshake.
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { badRequest, StatusError } from '../../api/machinery/status.ts'
import type { ServerContext } from '../context.ts'
import type { ResourceRoute } from '../routing/route.ts'
import { type AgentAddress, dialError, locatePod } from './agent.ts'

/** What a client offered, and its connection after the request. */
export interface UpgradeRequest {
  readonly route: ResourceRoute
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly socket: Duplex
  /** Bytes that came right behind the request. */
  readonly head: Buffer
}

export async function tunnelExec(context: ServerContext, request: UpgradeRequest): Promise<void> {
  const { container, address } = await locatePod(context, request.route, request.query.get('container'))
  if (!address) throw badRequest(`pod ${request.route.name} does not have a host assigned`)
  const path = execPath(request, container)
  // kubectl answers any refusal by trying SPDY, and shows only what is said to that: so this comes last, and a client
  // that cannot be served is still told when the agent would not have answered.
  if (!asksForWebSocket(request.headers)) await context.agents.ping(address)
  requireWebSocket(request.headers)
  const { agentSocket, answer, agentHead } = await dial(context, request, address, path)
  const { socket, head } = request
  socket.write(handshakeText(answer))
  if (agentHead.length > 0) socket.write(agentHead)
  if (head.length > 0) agentSocket.write(head)
  join(socket, agentSocket)
}

export function requireWebSocket(headers: Readonly<Record<string, string>>): void {
  if (asksForWebSocket(headers)) return
  const protocol = headers['upgrade']
  const what = protocol
    ? `unable to upgrade: unsupported protocol ${JSON.stringify(protocol)}`
    : 'Upgrade request required'
  throw badRequest(`${what}; this server speaks WebSocket (v5.channel.k8s.io, v4.channel.k8s.io)`)
}

function asksForWebSocket(headers: Readonly<Record<string, string>>): boolean {
  return headers['upgrade']?.toLowerCase() === 'websocket'
}

function execPath({ route, query }: UpgradeRequest, container: string): string {
  const parameters = new URLSearchParams()
  const commands = query.getAll('command')
  if (commands.length === 0) throw badRequest('you must specify at least 1 command')
  for (const command of commands) parameters.append('command', command)
  for (const stream of ['stdin', 'stdout', 'stderr', 'tty']) {
    const value = query.get(stream)
    if (value !== null) parameters.set(stream, value)
  }
  return `/exec/${route.namespace}/${route.name}/${container}?${parameters.toString()}`
}

interface Handshake {
  readonly agentSocket: Duplex
  readonly answer: IncomingMessage
  readonly agentHead: Buffer
}

const relayedHeaders = [
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'origin',
] as const

function dial(
  context: ServerContext,
  { headers }: UpgradeRequest,
  address: AgentAddress,
  path: string,
): Promise<Handshake> {
  const relayed: Record<string, string> = {}
  for (const name of relayedHeaders) if (headers[name] !== undefined) relayed[name] = headers[name]
  return new Promise((resolve, reject) => {
    const call = context.agents.request(address, { path, method: 'GET', headers: relayed })
    call.on('upgrade', (answer, agentSocket, agentHead) => resolve({ answer, agentSocket, agentHead }))
    call.on('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        const message = Buffer.concat(chunks).toString().trim() || 'the agent refused the upgrade'
        reject(new StatusError({ code: answer.statusCode ?? 500, message, reason: reasonOf(answer.statusCode) }))
      })
      answer.on('error', reject)
    })
    call.on('error', (error) => reject(dialError(address, error)))
    call.end()
  })
}

function reasonOf(code: number | undefined): string {
  return code === 404 ? 'NotFound' : code === 400 ? 'BadRequest' : 'InternalError'
}

function handshakeText(answer: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`]
  for (let i = 0; i < answer.rawHeaders.length; i += 2)
    lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Bytes pass both ways until one side is gone; then so is the other. */
function join(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
    from.pipe(to)
  }
}
