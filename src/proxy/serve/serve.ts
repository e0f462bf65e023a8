/** The proxy's two HTTP endpoints: health for load balancers and probes, metrics for people who watch. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from '../../lib/http.ts'
import type { Logger } from '../../lib/log.ts'
import type { Health } from './health.ts'
import type { ProgrammedService } from './programmed.ts'

export interface HealthEndpoints {
  readonly health: Health
  readonly nodeEligible: () => boolean
  readonly programmed: (service: string) => ProgrammedService | undefined
  /** How many Services take a pod's address for one that stays. */
  readonly servicesLeadingTo: (ip: string) => number
  readonly answered: (path: 'healthz' | 'livez', code: number) => void
  readonly log: Logger
}

export interface MetricsEndpoints {
  readonly text: () => Promise<{ readonly type: string; readonly body: string }>
  /** Of the proxy. */
  readonly mode: string
  readonly log: Logger
}

/**
 * `/livez` tells whether rules are current; `/healthz` also whether the node should get traffic at all;
 * `/fairway/services/NAMESPACE/NAME` which revisions of a Service the rules are made from; `/fairway/endpoints/IP` how
 * many Services lead to a pod as if it stayed.
 */
export function serveHealth(address: string, endpoints: HealthEndpoints): Server {
  const { health, nodeEligible, programmed, servicesLeadingTo, answered, log } = endpoints
  return listen(address, 'healthz', log, (request, response) => {
    const path = request.url ?? ''
    const service = /^\/fairway\/services\/([^/?]+\/[^/?]+)$/.exec(path)?.[1]
    if (service) return endService(response, service, programmed(service))
    const ip = /^\/fairway\/endpoints\/([\da-f.:]+)$/.exec(path)?.[1]
    if (ip) return end(response, 200, 'application/json', JSON.stringify({ ip, services: servicesLeadingTo(ip) }))
    if (path !== '/healthz' && path !== '/livez') return end(response, 404, 'text/plain', '404 page not found\n')
    const report = health.report(Date.now(), path === '/healthz' ? { nodeEligible: nodeEligible() } : {})
    const well = report.healthy && report.nodeEligible !== false
    const code = well ? 200 : 503
    answered(path === '/healthz' ? 'healthz' : 'livez', code)
    end(response, code, 'application/json', JSON.stringify(report))
  })
}

function endService(response: ServerResponse, name: string, service: ProgrammedService | undefined): void {
  const body = service ?? { message: `service ${JSON.stringify(name)} has no rules on this node` }
  end(response, service ? 200 : 404, 'application/json', JSON.stringify(body))
}

export function serveMetrics(address: string, { text, mode, log }: MetricsEndpoints): Server {
  return listen(address, 'metrics', log, (request, response) => {
    if (request.url === '/healthz') return end(response, 200, 'text/plain', 'ok')
    if (request.url === '/proxyMode') return end(response, 200, 'text/plain', mode)
    if (request.url !== '/metrics') return end(response, 404, 'text/plain', '404 page not found\n')
    text().then(
      ({ type, body }) => end(response, 200, type, body),
      (error: unknown) => end(response, 500, 'text/plain', `${String(error)}\n`),
    )
  })
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  const length = { 'content-length': Buffer.byteLength(body) }
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff', ...length }).end(body)
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
