/** The transport over TLS: one keep-alive agent, HTTP/1.1, client certificate or bearer token. */

import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { createSecureContext } from 'node:tls'
import { type ApiRequest, type ApiResponse, type Transport, TransportError } from './transport.ts'

/** Where an API server is and how to prove who we are. PEM texts. */
export interface ConnectionConfig {
  /** `https://172.30.0.1:6443`, optionally with a path prefix. */
  readonly server: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly token?: string
  readonly insecureSkipTlsVerify?: boolean
}

export function httpsTransport(config: ConnectionConfig): Transport {
  const base = new URL(config.server)
  const prefix = base.pathname.replace(/\/$/, '')
  // One session kept by the agent makes later handshakes cheap; watches hold a socket each, and all share what was made
  // of the certificates.
  const agent = new Agent({
    keepAlive: true,
    secureContext: createSecureContext({
      ...(config.ca && { ca: config.ca }),
      ...(config.cert && { cert: config.cert }),
      ...(config.key && { key: config.key }),
    }),
    rejectUnauthorized: !config.insecureSkipTlsVerify,
  })
  return {
    request: ({ method, path, headers, body, signal }: ApiRequest) =>
      new Promise<ApiResponse>((resolve, reject) => {
        const outgoing = httpsRequest(
          {
            agent,
            method,
            // Brackets belong to a URL's IPv6 host, not to the name to connect to.
            host: base.hostname.replace(/^\[|\]$/g, ''),
            port: base.port || 443,
            path: prefix + path,
            headers: {
              ...headers,
              ...(config.token && { authorization: `Bearer ${config.token}` }),
              ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
            },
            ...(signal && { signal }),
          },
          (incoming) => resolve(response(incoming, signal)),
        )
        outgoing.on('error', (error) => reject(transportError(error, config.server, signal)))
        outgoing.setNoDelay(true)
        outgoing.end(body)
      }),
    close: () => agent.destroy(),
  }

  function response(incoming: IncomingMessage, signal: AbortSignal | undefined): ApiResponse {
    incoming.socket.setKeepAlive(true, 30_000)
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(incoming.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
    }
    return { status: incoming.statusCode ?? 0, headers, body: chunks(incoming, config.server, signal) }
  }
}

async function* chunks(incoming: IncomingMessage, server: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of incoming) yield chunk as Buffer
  } catch (error) {
    throw transportError(error, server, signal)
  }
}

function transportError(error: unknown, server: string, signal?: AbortSignal): TransportError {
  const { code = '', message } = error as Partial<NodeJS.ErrnoException> & Error
  if (signal?.aborted || code === 'ABORT_ERR') return new TransportError('aborted', 'request aborted', error)
  if (code === 'ETIMEDOUT') return new TransportError('timeout', `${server}: ${message}`, error)
  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return new TransportError('refused', `${server}: ${message}`, error)
  }
  const tls = /CERT|SSL|TLS|UNABLE_TO/.test(code) || message.includes('certificate')
  return new TransportError(tls ? 'tls' : 'closed', `${server}: ${message}`, error)
}
