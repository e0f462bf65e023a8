/** One HTTP request passed on to a backend, and its answer passed back. Bodies stream both ways. */
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Duplex, PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type StatusError, serviceUnavailable } from '../../api/machinery/status.ts'
import { type AgentDialer, dialFailure } from '../subresources/agent.ts'
import { type LinkContext, linkRewriter, rewriteLink } from './links.ts'
import type { Backend } from './location.ts'
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
  const steps = headers['location'] === undefined ? await pageSteps(headers, links) : undefined
  if (steps) {
    delete headers['content-length']
    delete headers['content-encoding']
  }
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers)
  // What was asked may be a stream that has nothing to say yet.
  response.flushHeaders()
  await pipeline([answer, ...(steps ?? []), response])
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

/** Certificates of pods are not checked, as upstream does not: nobody says which authority would sign them. */
export function callBackend(agents: AgentDialer, backend: Backend, options: RequestOptions): ClientRequest {
  const { protocol, host, port } = backend
  if (protocol === 'agent') return agents.request({ host, port }, options)
  const call = protocol === 'https' ? httpsRequest : httpRequest
  return call({ ...options, host, port, agent: false, ...(protocol === 'https' && { rejectUnauthorized: false }) })
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
  return { ...kept, 'x-forwarded-for': from, 'x-forwarded-uri': prefix + path }
}

function passedHeaders({ headers }: IncomingMessage): Record<string, string | string[]> {
  return without(headers, [...ofConnections, ...named(headers.connection)])
}

/** `Connection` itself names further headers that are its own. */
function named(connection: string | undefined): string[] {
  return (connection ?? '').split(',').map((name) => name.trim().toLowerCase())
}

function without(headers: IncomingMessage['headers'], names: readonly string[]): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !names.includes(name)) kept[name] = value
  }
  return kept
}

/** What a page passes through so that its links are right; undefined: not a page, or in an encoding nobody can read. */
async function pageSteps(
  headers: Record<string, string | string[]>,
  links: LinkContext,
): Promise<Duplex[] | undefined> {
  if (
    String(headers['content-type'] ?? '')
      .split(';')[0]
      ?.trim() !== 'text/html'
  )
    return undefined
  const { createBrotliDecompress, createGunzip, createInflate } = await import('node:zlib')
  const encoding = String(headers['content-encoding'] ?? '')
  const decoders = {
    '': () => [],
    gzip: () => [createGunzip()],
    deflate: () => [createInflate()],
    br: () => [createBrotliDecompress()],
  }
  if (!(encoding in decoders)) return undefined
  const decode = decoders[encoding as keyof typeof decoders]()
  // Bytes to latin1 text, which the link rewriter speaks, and back.
  const [toText, toBytes] = [new PassThrough(), new PassThrough({ defaultEncoding: 'latin1' })]
  toText.setEncoding('latin1')
  return [...decode, toText, await linkRewriter(links), toBytes]
}
