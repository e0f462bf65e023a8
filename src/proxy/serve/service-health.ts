/**
 * Health-check node ports: for each Service with policy Local behind a load balancer, a port on the node that says
 * whether one of its pods is ready here. The balancer sends traffic only where it is told yes.
 */
import type { Server, ServerResponse } from 'node:http'
import { createServer } from '../../lib/http.ts'
import type { Logger } from '../../lib/log.ts'
import { type PortChange, planKey, serviceKey } from '../plan/types.ts'

export interface ServiceHealthOptions {
  /** Addresses to listen on; empty: all. */
  readonly addresses: readonly string[]
  /** The proxy itself is well. */
  readonly healthy: () => boolean
  readonly log: Logger
}

interface Check {
  readonly port: number
  /** Ready endpoints on this node, of each plan of the Service. */
  readonly endpoints: Map<string, { readonly family: number; readonly ips: readonly string[] }>
  readonly servers: readonly Server[]
}

const retryMs = 5000

export class ServiceHealth {
  readonly #options: ServiceHealthOptions
  readonly #checks = new Map<string, Check>()

  constructor(options: ServiceHealthOptions) {
    this.#options = options
  }

  /** Follows what has become of plans; call it when the rules are in the kernel. */
  update(changes: readonly PortChange[]): void {
    const emptied = new Set<string>()
    for (const { before, after } of changes) {
      if (before?.healthCheckNodePort) {
        const check = this.#checks.get(serviceKey(before))
        check?.endpoints.delete(planKey(before))
        if (check?.endpoints.size === 0) emptied.add(serviceKey(before))
      }
      if (after?.healthCheckNodePort) {
        const { family, localReadyIps: ips } = after
        this.#check(serviceKey(after), after.healthCheckNodePort).endpoints.set(planKey(after), { family, ips })
      }
    }
    for (const service of emptied) if (this.#checks.get(service)?.endpoints.size === 0) this.#close(service)
  }

  /** Answers for one Service, as kube-proxy does (KEP-2086, kubernetes issue 118999 for the weight). */
  answer(service: string, response: ServerResponse): void {
    const localEndpoints = count(this.#checks.get(service))
    const serviceProxyHealthy = this.#options.healthy()
    const [namespace, name] = service.split('/')
    const body = JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, null, '\t')
    response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
    })
    response.end(body)
  }

  #check(service: string, port: number): Check {
    const existing = this.#checks.get(service)
    if (existing?.port === port) return existing
    if (existing) this.#close(service)
    const { addresses } = this.#options
    const servers = (addresses.length > 0 ? addresses : [undefined]).map((host) => this.#listen(service, port, host))
    const check = { port, endpoints: new Map(), servers }
    this.#checks.set(service, check)
    return check
  }

  #listen(service: string, port: number, host: string | undefined): Server {
    const server = createServer((_request, response) => this.answer(service, response))
    server.on('error', (error) => {
      this.#options.log.error({ err: error, service, port }, 'cannot serve a health check; will try again')
      setTimeout(() => {
        if (this.#checks.get(service)?.servers.includes(server)) server.listen(port, host)
      }, retryMs).unref()
    })
    return server.listen(port, host)
  }

  #close(service: string): void {
    for (const server of this.#checks.get(service)?.servers ?? []) {
      server.close()
      server.closeAllConnections()
    }
    this.#checks.delete(service)
  }
}

/** Distinct pods: each has one address per family, and may stand behind several ports. */
function count(check: Check | undefined): number {
  const byFamily = new Map<number, Set<string>>()
  for (const { family, ips } of check?.endpoints.values() ?? []) {
    const known = byFamily.get(family) ?? new Set()
    for (const ip of ips) known.add(ip)
    byFamily.set(family, known)
  }
  return Math.max(0, ...[...byFamily.values()].map((ips) => ips.size))
}
