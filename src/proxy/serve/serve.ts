/** The proxy's two HTTP endpoints: health for load balancers and probes, metrics for people who watch. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Logger } from '../../lib/log.ts'
import type { LazyMetrics } from './observer.ts'

/** A queued change that is not in the kernel after this long means that the proxy is ill (kube-proxy: twice 30 s). */
const overdueMs = 60_000

export interface Health {
  readonly lastQueued: number
  readonly lastSynced: number
}

/** Healthy: nothing is waiting, or has not waited long. */
export function isHealthy({ lastQueued, lastSynced }: Health, now: number): boolean {
  return lastSynced !== 0 && (lastQueued <= lastSynced || now - lastQueued < overdueMs)
}

/** `/livez` tells whether rules are current; `/healthz` also whether the node should get traffic at all. */
export function serveHealth(
  address: string,
  { health, nodeEligible, log }: { health: Health; nodeEligible: () => boolean; log: Logger },
): Server {
  return listen(address, 'healthz', log, (request, response) => {
    if (request.url !== '/healthz' && request.url !== '/livez')
      return end(response, 404, 'text/plain', '404 page not found\n')
    const now = Date.now()
    const healthy = isHealthy(health, now) && (request.url === '/livez' || nodeEligible())
    const lastUpdated = new Date(health.lastQueued <= health.lastSynced ? now : health.lastSynced).toISOString()
    const body = { lastUpdated, currentTime: new Date(now).toISOString(), nodeEligible: nodeEligible() }
    end(response, healthy ? 200 : 503, 'application/json', JSON.stringify(body))
  })
}

export function serveMetrics(address: string, metrics: LazyMetrics, mode: string, log: Logger): Server {
  return listen(address, 'metrics', log, (request, response) => {
    if (request.url === '/healthz') return end(response, 200, 'text/plain', 'ok')
    if (request.url === '/proxyMode') return end(response, 200, 'text/plain', mode)
    if (request.url !== '/metrics') return end(response, 404, 'text/plain', '404 page not found\n')
    metrics.text().then(
      ({ type, body }) => end(response, 200, type, body),
      (error: unknown) => end(response, 500, 'text/plain', `${String(error)}\n`),
    )
  })
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type }).end(body)
}

/** A port that is taken is reported and tried again: a proxy must not stop working for want of a health check. */
function listen(
  address: string,
  what: string,
  log: Logger,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const { host, port } = splitAddress(address)
  const server = createServer(handle)
  server.on('error', (error) => {
    log.error({ err: error, address }, `cannot serve ${what}`)
    setTimeout(() => server.listen(port, host), 5000).unref()
  })
  server.listen(port, host)
  return server
}

/** `0.0.0.0:10256`, `[::]:10256`. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) }
}
