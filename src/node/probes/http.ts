/** One HTTP request to a container, as probes and lifecycle hooks make it. The errors' words are Go's. */

import type { Container, HTTPGetAction } from '../../api/generated/v1.ts'
import { request as httpRequest } from '../../lib/http.ts'

export interface HttpTarget {
  readonly podIP: string
  readonly container: Container
  readonly timeoutMs: number
  /** Those of the action win. */
  readonly headers: Readonly<Record<string, string>>
}

export type HttpOutcome =
  /** `redirect`: the answer led to another host, where nobody went. */
  { readonly status: number; readonly body: string; readonly redirect?: 'elsewhere' } | { readonly error: string }

const bodyMax = 10 * 1024

const redirectsMax = 10

/** Rejects only for a port that the container does not have. Certificates are not checked. Redirects are followed on the same host. */
export async function requestHttp(action: HTTPGetAction, target: HttpTarget, redirects = 0): Promise<HttpOutcome> {
  const answer = await requestOnce(action, target)
  if ('error' in answer || answer.location === undefined) return answer
  const { status, body, location, url } = answer
  if (redirects === redirectsMax) return { error: `Get "${location}": stopped after ${redirectsMax} redirects` }
  const next = new URL(location, url)
  if (next.hostname !== new URL(url).hostname) return { status, body, redirect: 'elsewhere' }
  const port = Number(next.port || (next.protocol === 'https:' ? 443 : 80))
  const scheme = next.protocol === 'https:' ? 'HTTPS' : 'HTTP'
  return requestHttp({ ...action, scheme, port, path: next.pathname + next.search }, target, redirects + 1)
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly url: string
  /** Where it says to go. */
  readonly location?: string
}

const redirecting = new Set([301, 302, 303, 307, 308])

async function requestOnce(action: HTTPGetAction, target: HttpTarget): Promise<Answer | { readonly error: string }> {
  const secure = action.scheme === 'HTTPS'
  const host = action.host || target.podIP
  const port = portNumber(action.port, target.container)
  const path = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`
  const url = `${secure ? 'https' : 'http'}://${hostPort(host, port)}${path}`
  const request = secure ? (await import('node:https')).request : httpRequest
  const signal = AbortSignal.timeout(target.timeoutMs)
  const headers = { Accept: '*/*', Connection: 'close', ...target.headers, ...ownHeaders(action) }
  return new Promise((resolve) => {
    const outgoing = request({ host, port, path, headers, agent: false, rejectUnauthorized: false, signal })
    outgoing.on('response', (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString('latin1')
        if (body.length > bodyMax) response.destroy()
      })
      response.on('error', () => {})
      const { statusCode: status = 0, headers: answered } = response
      const location = redirecting.has(status) ? answered.location : undefined
      response.on('close', () =>
        resolve({ status, body: body.slice(0, bodyMax), url, ...(location !== undefined && { location }) }),
      )
    })
    outgoing.on('error', (error) => resolve({ error: `Get "${url}": ${dialError(error, host, port)}` }))
    outgoing.end()
  })
}

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
