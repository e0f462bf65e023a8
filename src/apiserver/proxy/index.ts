/**
 * The proxy subresource of pods, services and nodes: `GET …/services/web/proxy/index.html` is answered by a pod behind
 * the Service. Whole connections pass here, so the HTTPS edge hands them over instead of reading a body first.
 *
 *   target.ts   what the path names          location.ts  where that is now
 *   forward.ts  a request and its answer     tunnel.ts    an upgraded connection      links.ts  links in pages
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ServerContext } from '../context.ts'
import { forward } from './forward.ts'
import { locateBackend } from './location.ts'
import type { ProxyTarget } from './target.ts'
import { tunnel } from './tunnel.ts'

/** What the HTTPS edge hands over: a request and where its answer goes, or a connection that asks for another protocol. */
export type ProxyConnection =
  | { readonly request: IncomingMessage; readonly response: ServerResponse }
  | { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }

/** Resolves when the answer has passed or the connection is joined. Throws StatusError as long as nothing was sent. */
export async function proxy(context: ServerContext, target: ProxyTarget, connection: ProxyConnection): Promise<void> {
  const options = { target, backend: await locateBackend(context, target), agents: context.agents }
  const { request } = connection
  if ('socket' in connection) return tunnel(request, connection, options)
  // Without the slash, a page's relative links would lead beside the proxy. kubernetes/kubernetes#4958
  if (target.path === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    connection.response.writeHead(301, { location: `${target.prefix}/${target.search}` }).end()
    return
  }
  return forward(request, connection.response, options)
}
