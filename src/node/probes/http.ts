/** One HTTP request to a container, as probes and lifecycle hooks make it. The errors' words are Go's. */
import type { IncomingMessage } from 'node:http'
import type { Container, HTTPGetAction } from '../../api/generated/v1.ts'
import { request as httpRequest } from '../../lib/http.ts'

export interface HttpTarget {
  readonly podIP: string
  readonly container: Container
  readonly timeoutMs: number
  /** Those of the action win. */
  readonly headers: Readonly<Record<string, string>>
}

export type HttpOutcome = Answer | { readonly error: string }

interface Answer {
  readonly status: number
  readonly body: string
  /** Why that is not all of the body, if it had less than is read of it. */
  readonly broken?: string
  /** The answer led to another host, where nobody went. */
  readonly redirect?: 'elsewhere'
}

const bodyMax = 10 * 1024

const redirectsMax = 10

/**
 * Rejects only for a port that the container does not have. Certificates are not checked. Redirects are followed on the
 * same host, in the same time.
 */
export async function requestHttp(action: HTTPGetAction, target: HttpTarget): Promise<HttpOutcome> {
  const signal = AbortSignal.timeout(target.timeoutMs)
  let place = action
  for (let redirects = 0; ; redirects++) {
    const reply = await requestOnce(place, target, signal)
    if ('error' in reply || reply.location === undefined) return reply
    const { location, url, ...answer } = reply
    if (redirects === redirectsMax) return { error: `Get "${location}": stopped after ${redirectsMax} redirects` }
    if (!URL.canParse(location, url)) return { error: `Get "${url}": ${notParsed(location)}` }
    const next = new URL(location, url)
    if (next.hostname !== new URL(url).hostname) return { ...answer, redirect: 'elsewhere' }
    const scheme = next.protocol.slice(0, -1)
    if (scheme !== 'http' && scheme !== 'https') {
      return { error: `Get "${location}": unsupported protocol scheme "${scheme}"` }
    }
    const port = Number(next.port || (scheme === 'https' ? 443 : 80))
    place = { ...action, scheme: scheme.toUpperCase(), port, path: next.pathname + next.search }
  }
}

function notParsed(location: string): string {
  return `failed to parse Location header ${JSON.stringify(location)}: parse ${JSON.stringify(location)}: invalid URL`
}

interface Reply extends Answer {
  readonly url: string
  /** Where it says to go. */
  readonly location?: string
}

const redirecting = new Set([301, 302, 303, 307, 308])

async function requestOnce(
  action: HTTPGetAction,
  target: HttpTarget,
  signal: AbortSignal,
): Promise<Reply | { readonly error: string }> {
  const secure = action.scheme === 'HTTPS'
  const host = action.host || target.podIP
  const port = portNumber(action.port, target.container)
  const path = escaped(action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`)
  const url = `${secure ? 'https' : 'http'}://${hostPort(host, port)}${path}`
  const request = secure ? (await import('node:https')).request : httpRequest
  const headers = { Accept: '*/*', Connection: 'close', ...target.headers, ...ownHeaders(action) }
  return new Promise((resolve) => {
    const outgoing = request({ host, port, path, headers, agent: false, rejectUnauthorized: false, signal })
    outgoing.on('response', (response) => resolve(readAnswer(response, signal).then((answer) => ({ ...answer, url }))))
    outgoing.on('error', (error) => resolve({ error: `Get "${url}": ${dialError(error, host, port)}` }))
    outgoing.end()
  })
}

/** What may not stand in a request's first line. */
function escaped(path: string): string {
  return path.replace(/[^!-~]/gu, encodeURIComponent)
}

function readAnswer(response: IncomingMessage, signal: AbortSignal): Promise<Omit<Reply, 'url'>> {
  const { statusCode: status = 0, headers } = response
  const location = redirecting.has(status) ? headers.location : undefined
  let body = ''
  response.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1')
    if (body.length > bodyMax) response.destroy()
  })
  response.on('error', () => {})
  return new Promise((resolve) => {
    response.on('close', () => {
      const whole = response.complete || body.length > bodyMax
      resolve({
        status,
        body: body.slice(0, bodyMax),
        ...(location !== undefined && { location }),
        ...(!whole && { broken: signal.aborted ? outOfTime : 'unexpected EOF' }),
      })
    })
  })
}

const outOfTime = 'context deadline exceeded (Client.Timeout or context cancellation while reading body)'

function ownHeaders({ httpHeaders = [] }: HTTPGetAction): Record<string, string> {
  return Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]))
}

/** A named port is one of the container's own. Throws, in Go's words, when it has none of that name. */
export function portNumber(port: number | string, { ports }: Container): number {
  const number = typeof port === 'number' ? port : (ports?.find(({ name }) => name === port)?.containerPort ?? port)
  if (typeof number === 'number') return number
  if (!/^\d+$/.test(number)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(number)}: invalid syntax`)
  return Number(number)
}

export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** As Go's `%q` writes bytes. */
function visible(line: string): string {
  const escaped = line.replace(/["\\]/g, '\\$&')
  return `"${escaped.replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`
}

/** `rawPacket`: what Node could not make an answer of. */
interface DialError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer
}

export function dialError(error: DialError, host: string, port: number): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') {
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
  }
  if (error.code === 'ECONNREFUSED') return `dial tcp ${hostPort(host, port)}: connect: connection refused`
  if (error.code === 'EHOSTUNREACH') return `dial tcp ${hostPort(host, port)}: connect: no route to host`
  if (error.code === 'ECONNRESET' && error.message === 'socket hang up') return 'EOF'
  if (error.code === 'ECONNRESET') return `read tcp ${hostPort(host, port)}: read: connection reset by peer`
  if (error.code === 'EPROTO' && /wrong version number/.test(error.message)) {
    return 'http: server gave HTTP response to HTTPS client'
  }
  if (error.code === 'ENOTFOUND') return `dial tcp: lookup ${host}: no such host`
  if (error.rawPacket) {
    const [line = ''] = error.rawPacket.toString('latin1').split(/\r?\n/)
    return `net/http: HTTP/1.x transport connection broken: malformed HTTP response ${visible(line)}`
  }
  return error.message
}
