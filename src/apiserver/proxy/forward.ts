/** One HTTP request passed on to a backend, and its answer passed back. Bodies stream both ways. */
import type { ClientRequest, IncomingMessage, RequestOptions, ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { type StatusError, serviceUnavailable } from '../../api/machinery/status.ts'
import { request as httpRequest } from '../../lib/http.ts'
import { type AgentDialer, dialFailure } from '../subresources/agent.ts'
import { type LinkContext, rewriteLink } from './links.ts'
import type { Backend } from './location.ts'
import { isPage, pageSteps } from './pages.ts'
import type { ProxyTarget } from './target.ts'

export interface ForwardOptions {
  readonly target: ProxyTarget
  readonly backend: Backend
  readonly agents: AgentDialer
}

/** Throws StatusError 503 as long as nothing was sent to the client. */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { target, backend, agents }: ForwardOptions,
): Promise<void> {
  const links: LinkContext = {
    prefix: target.prefix,
    backend: hostOf(backend),
    host: request.headers.host ?? '',
  }
  const answer = await ask(request, response, { target, backend, agents })
  const headers = passedHeaders(answer)
  if (headers['location'] !== undefined) headers['location'] = rewriteLink(String(headers['location']), links)
  const isRewritten = headers['location'] === undefined && isPage(headers)
  const steps = isRewritten ? await pageSteps(headers, answer, links) : []
  if (isRewritten) {
    delete headers['content-length']
    delete headers['content-encoding']
  }
  for (const name of response.getHeaderNames()) headers[name] = behind(response.getHeader(name), headers[name])
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers)
  // What was asked may be a stream that has nothing to say yet.
  response.flushHeaders()
  answer.once('end', () => response.addTrailers(answer.trailers))
  await pipeline([answer, ...steps, response])
}

/** What the backend says comes behind what the API server says itself, as in Go's reverse proxy. */
function behind(own: number | string | string[] | undefined, backends: string | string[] = []): string[] {
  return [own ?? [], backends].flat().map(String)
}

function ask(request: IncomingMessage, response: ServerResponse, options: ForwardOptions): Promise<IncomingMessage> {
  const { target, backend, agents } = options
  return new Promise((resolve, reject) => {
    const call = callBackend(agents, backend, {
      method: request.method ?? 'GET',
      path: `${target.path || '/'}${target.search}`,
      headers: forwardedHeaders(request, target),
    })
    call.on('response', resolve)
    call.on('error', (error) => reject(unreachable(backend, error)))
    response.once('close', () => call.destroy())
    request.on('error', () => call.destroy())
    request.pipe(call)
  })
}

/** Of an answer, as Go's clients have it. */
const headerBytesMax = 10 * 1024 * 1024

/** Certificates of pods are not checked, as upstream does not: nobody says which authority would sign them. */
export function callBackend(agents: AgentDialer, backend: Backend, options: RequestOptions): ClientRequest {
  const { protocol, host, port } = backend
  if (protocol === 'agent') return agents.request({ host, port }, options)
  const call = protocol === 'https' ? httpsRequest : httpRequest
  const connection = { host, port, agent: false, maxHeaderSize: headerBytesMax } as const
  return call({ ...options, ...connection, ...(protocol === 'https' && { rejectUnauthorized: false }) })
}

export function unreachable(backend: Backend, error: Error): StatusError {
  return serviceUnavailable(`error trying to reach service: ${dialFailure(backend, error)}`)
}

function hostOf({ host, port }: Backend): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** They are about one connection, not about the message. RFC 9110 7.6.1 */
const ofConnections = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** The backend learns where it is seen, and nothing of the client's credentials. */
export function forwardedHeaders(
  { headers, socket }: IncomingMessage,
  { prefix, path }: ProxyTarget,
): Record<string, string | string[]> {
  const from = [headers['x-forwarded-for'], socket.remoteAddress].flat().filter(Boolean).join(', ')
  const kept = without(headers, [...ofConnections, ...named(headers.connection), 'authorization', 'expect'])
  for (const name of Object.keys(kept)) if (name.startsWith('impersonate-')) delete kept[name]
  // gRPC's servers insist on it, and trailers do pass.
  const trailers = named(headers.te).includes('trailers') && { te: 'trailers' }
  return { ...kept, ...trailers, 'x-forwarded-for': from, 'x-forwarded-uri': prefix + path }
}

/** All backends share the API server's origin: none of them says who else's pages may read what is there. */
const ofOrigins = ['credentials', 'headers', 'methods', 'origin'].map((name) => `access-control-allow-${name}`)

function passedHeaders({ headers }: IncomingMessage): Record<string, string | string[]> {
  const { trailer } = headers
  const kept = without(headers, [...ofConnections, ...named(headers.connection), ...ofOrigins])
  return { ...kept, ...(trailer && { trailer }) }
}

/** What a header lists; `Connection` names further headers that are its own. */
function named(header: string | string[] | undefined): string[] {
  return [header ?? '']
    .join(',')
    .split(',')
    .map((name) => name.trim().toLowerCase())
}

function without(headers: IncomingMessage['headers'], names: readonly string[]): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !names.includes(name)) kept[name] = value
  }
  return kept
}
