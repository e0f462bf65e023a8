/** Everything one version of the Corefile needs, except the sockets, which outlive it. */
import type { Logger } from '../lib/log.ts'
import { Chain } from './chain.ts'
import type { ServerConfig } from './corefile/index.ts'
import { exchange, Forwarder, resolversOf } from './forward/index.ts'
import { Hosts } from './hosts.ts'
import type { HttpAnswer, HttpRoutes } from './http.ts'
import { type KubernetesWatch, watchKubernetes } from './kubernetes.ts'
import { LoopProbe } from './loop.ts'
import type { DnsMetrics } from './metrics.ts'
import { Responder } from './responder.ts'
import { rcodeName, typeName } from './wire/index.ts'

export interface InstanceOptions {
  readonly servers: readonly ServerConfig[]
  readonly metrics: DnsMetrics
  readonly log: Logger
  readonly write: (line: string) => void
}

/** At most one line about failing resolvers in this time. */
const complainEveryMs = 1000

export class Instance {
  readonly servers: readonly ServerConfig[]
  readonly #options: InstanceOptions
  readonly #stop = new AbortController()
  readonly #watches: KubernetesWatch[] = []
  readonly #chains: Chain[] = []
  readonly #probe = new LoopProbe()
  #responders = new Map<number, Responder>()
  #complainedAt = Number.NEGATIVE_INFINITY

  private constructor(options: InstanceOptions) {
    this.servers = options.servers
    this.#options = options
  }

  static async start(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance(options)
    for (const config of options.servers) instance.#chains.push(await instance.#chain(config))
    const { metrics, write } = options
    for (const [port, chains] of Map.groupBy(instance.#chains, ({ config }) => config.port)) {
      instance.#responders.set(port, new Responder({ port, chains, metrics, write, isLoopProbe: instance.#probe.seen }))
    }
    return instance
  }

  /** Resolves when the cluster's objects are known. */
  get synced(): Promise<unknown> {
    return Promise.all(this.#watches.map((watch) => watch.synced))
  }

  get cacheSizes() {
    return this.#chains.map(({ config, cacheSizes }) => ({ port: config.port, ...cacheSizes }))
  }

  responder(port: number): Responder | undefined {
    return this.#responders.get(port)
  }

  stop(): void {
    this.#stop.abort()
  }

  /** Health, readiness and metrics, on the addresses of this Corefile. */
  routes(): HttpRoutes {
    const routes = new Map<string, Map<string, () => HttpAnswer>>()
    const add = (address: string, path: string, answer: () => HttpAnswer) => {
      const paths = routes.get(address) ?? new Map<string, () => HttpAnswer>()
      routes.set(address, paths.set(path, answer))
    }
    const ok = { status: 200, body: 'OK' }
    for (const { health, ready, prometheus } of this.servers) {
      if (health) add(health.address, '/health', () => ok)
      if (ready) {
        const isReady = () => this.#watches.every((watch) => watch.hasSynced())
        add(ready, '/ready', () => (isReady() ? ok : { status: 503, body: 'kubernetes' }))
      }
      if (prometheus) {
        const contentType = 'text/plain; version=0.0.4; charset=utf-8'
        add(prometheus, '/metrics', () => ({ status: 200, body: this.#options.metrics.registry.expose(), contentType }))
      }
    }
    return routes
  }

  /** Call when the sockets are open. */
  checkLoops(): void {
    for (const [i, { loop }] of this.servers.entries()) {
      for (const forwarder of (loop && this.#forwarders.get(i)) || []) {
        void this.#probe.check(forwarder, (upstream) =>
          this.#options.log.error(
            { upstream, zone: forwarder.config.from },
            'this resolver leads back to this server; it is not asked any more (fix the resolv.conf this pod was given)',
          ),
        )
      }
    }
  }

  readonly #forwarders = new Map<number, Forwarder[]>()

  async #chain(config: ServerConfig): Promise<Chain> {
    const { metrics, log } = this.#options
    const forwarders = config.forward.map((line) => {
      const upstreams = resolversOf(line.to)
      if (upstreams.length === 0) log.warn({ zone: line.from }, 'no resolver to forward to: other names will fail')
      return new Forwarder({
        config: line,
        upstreams,
        exchange,
        observe: ({ host, port }, rcode, ms) =>
          metrics.forwardDuration(
            {
              proxy_name: 'forward',
              to: `${host}:${port}`,
              rcode: rcode === undefined ? 'SERVFAIL' : rcodeName(rcode),
            },
            ms / 1000,
          ),
      })
    })
    this.#forwarders.set(this.#chains.length, forwarders)
    return new Chain({
      config,
      kubernetes: await this.#kubernetes(config),
      hosts: config.hosts && new Hosts(config.hosts),
      forwarders,
      metrics,
      onError: ({ name, type }, error) => {
        if (config.errors) this.#complain(`${name} ${typeName(type)}`, error)
      },
    })
  }

  async #kubernetes({ kubernetes: config }: ServerConfig): Promise<KubernetesWatch | undefined> {
    if (!config) return undefined
    const { metrics, log } = this.#options
    const watch = await watchKubernetes({
      config,
      log,
      signal: this.#stop.signal,
      programmed: (kind, seconds) => metrics.programming({ service_kind: kind }, seconds),
    })
    this.#watches.push(watch)
    return watch
  }

  #complain(question: string, { message }: Error): void {
    const now = performance.now()
    if (now - this.#complainedAt < complainEveryMs) return
    this.#complainedAt = now
    this.#options.log.warn({ question, error: message }, 'could not forward')
  }
}
