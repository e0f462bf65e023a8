/**
 * pods/exec, pods/attach and pods/portforward: the request is checked here, then the client's connection and one to the
 * node's agent are joined byte for byte. Client and agent agree on the protocol; the server only relays the handshake.
 */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { badRequest, internalError, StatusError } from '../../api/machinery/status.ts'
import type { ServerContext } from '../context.ts'
import { relay } from '../http/relay.ts'
import type { ResourceRoute } from '../routing/route.ts'
import { type AgentAddress, dialError, locatePod, sendError } from './agent.ts'
import { refuseByStatus } from './status-websocket.ts'
import { agentHeaders, kubeletQuery, type StreamedSubresource, wantedStreams, wantsStatus } from './stream-options.ts'

/** What a client offered, and its connection after the request. */
export interface UpgradeRequest {
  readonly route: ResourceRoute
  readonly subresource: StreamedSubresource
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly socket: Duplex
  /** Bytes that came right behind the request. */
  readonly head: Buffer
}

type StreamRequest = Pick<UpgradeRequest, 'route' | 'subresource' | 'query'>

/** For requests that do not ask for an upgrade. Throws what is wrong with the rest first. */
export async function refuseWithoutUpgrade(context: ServerContext, request: StreamRequest): Promise<never> {
  await locate(context, request)
  throw badRequest('Upgrade request required')
}

export async function tunnel(context: ServerContext, request: UpgradeRequest): Promise<void> {
  const { address, path } = await locate(context, request)
  const answer = await dial(context, request, address, path).catch((error: unknown) => {
    if (!wantsStatus(request.subresource, request.headers)) throw dialError(address, error as Error)
    return sendError(address, path, error as Error)
  })
  if (answer instanceof StatusError) return refuse(request, answer)
  if ('body' in answer) return refuseAsAgent(request, answer)
  const { socket, head } = request
  const { agentSocket, message, agentHead } = answer
  socket.write(headText(message))
  if (agentHead.length > 0) socket.write(agentHead)
  if (head.length > 0) agentSocket.write(head)
  relay(socket, agentSocket)
}

async function locate(context: ServerContext, { route, subresource, query }: StreamRequest) {
  const ofContainer = subresource !== 'portforward'
  const target = await locatePod(context, route, ofContainer ? (query.get('container') ?? '') : undefined)
  if (!target.address) throw badRequest(`pod ${route.name} does not have a host assigned`)
  const parameters = kubeletQuery(subresource, query)
  const { namespace, name } = route
  const path = ofContainer
    ? `/${subresource}/${namespace}/${name}/${target.container}`
    : `/portForward/${namespace}/${name}`
  return { address: target.address, path: parameters.size > 0 ? `${path}?${parameters.toString()}` : path }
}

function refuse({ socket, headers, query }: UpgradeRequest, error: StatusError): void {
  refuseByStatus(socket, headers['sec-websocket-key'] ?? '', wantedStreams(query), error)
}

interface Handshake {
  readonly agentSocket: Duplex
  readonly message: IncomingMessage
  readonly agentHead: Buffer
}

interface Refusal {
  readonly message: IncomingMessage
  readonly body: Buffer
}

function dial(
  context: ServerContext,
  { subresource, headers }: UpgradeRequest,
  address: AgentAddress,
  path: string,
): Promise<Handshake | Refusal> {
  const relayed = agentHeaders(subresource, headers)
  return new Promise((resolve, reject) => {
    const call = context.agents.request(address, { path, method: 'GET', headers: relayed })
    call.on('upgrade', (message, agentSocket, agentHead) => resolve({ message, agentSocket, agentHead }))
    call.on('response', (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk: Buffer) => chunks.push(chunk))
      message.on('end', () => resolve({ message, body: Buffer.concat(chunks) }))
      message.on('error', reject)
    })
    call.on('error', reject)
    call.end()
  })
}

/** What an agent says against a request is passed on as it is. */
function refuseAsAgent(request: UpgradeRequest, { message, body }: Refusal): void {
  if (wantsStatus(request.subresource, request.headers)) {
    return refuse(request, internalError(`unable to upgrade connection: ${body.toString().trim()}`))
  }
  request.socket.end(Buffer.concat([Buffer.from(headText(message)), body]))
}

function headText({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`]
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
