/** The plain HTTP side: health, readiness and metrics, each on the address its plugin names. */
import { createServer } from '../lib/http.ts'

export interface HttpAnswer {
  readonly status: number
  readonly body: string
  readonly contentType?: string
}

/** By listening address (`:8080`), then by path. */
export type HttpRoutes = ReadonlyMap<string, ReadonlyMap<string, () => HttpAnswer>>

export interface HttpServer {
  close(): Promise<void>
}

/** `routes` is asked anew for each request, so that a reload needs no new socket. Rejects when the address is taken. */
export function serveHttp(address: string, routes: () => HttpRoutes): Promise<HttpServer> {
  const [, host = '', port = ''] = /^(?:\[?(.*?)\]?):(\d+)$/.exec(address) ?? []
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      const path = (request.url ?? '/').split('?')[0] ?? '/'
      const {
        status,
        body,
        contentType = 'text/plain; charset=utf-8',
      } = routes().get(address)?.get(path)?.() ?? {
        status: 404,
        body: '404 page not found\n',
      }
      response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
      response.end(body)
    })
    server.once('error', reject)
    server.listen({ port: Number(port), ...(host && { host }) }, () => {
      server.removeListener('error', reject)
      const close = () =>
        new Promise<void>((closed) => {
          server.close(() => closed())
          server.closeAllConnections()
        })
      resolve({ close })
    })
  })
}
