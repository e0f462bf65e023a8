/** The running program: sockets that stay, and the instance of the Corefile behind them, exchanged on reload. */
import { readFileSync, statSync } from 'node:fs'
import type { Logger } from '../lib/log.ts'
import { parseCorefile, type ServerConfig } from './corefile/index.ts'
import { type HttpServer, serveHttp } from './http.ts'
import { Instance } from './instance.ts'
import { DnsMetrics } from './metrics.ts'
import { type Listener, listen } from './server.ts'

export interface ProgramOptions {
  readonly corefile: string
  readonly log: Logger
  /** Query log. */
  readonly write: (line: string) => void
  readonly version: string
}

/** A reload waits this long for the cluster's objects before it goes on without them. */
const syncWithinMs = 5000

export class Program {
  readonly #options: ProgramOptions
  readonly #metrics: DnsMetrics
  readonly #listeners = new Map<string, Listener>()
  readonly #http = new Map<string, HttpServer>()
  #instance: Instance | undefined
  #seen = ''
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: ProgramOptions) {
    this.#options = options
    this.#metrics = new DnsMetrics(options.version)
    this.#metrics.registry.gauge('coredns_cache_entries', 'The number of elements in the cache.', () =>
      (this.#instance?.cacheSizes ?? []).flatMap(({ port, success, denial }) => {
        const labels = { server: `dns://:${port}`, zones: '.', view: '' }
        return [[{ ...labels, type: 'success' }, success] as const, [{ ...labels, type: 'denial' }, denial] as const]
      }),
    )
  }

  /** Throws CorefileError, or the error of an address that cannot be had. */
  async start(): Promise<void> {
    this.#seen = this.#stamp()
    const instance = await this.#load()
    // Forwarding works at once; cluster names fail until they are known, and /ready says so.
    this.#instance = instance
    await this.#open(instance)
    instance.checkLoops()
    void instance.synced.then(() => this.#options.log.info('the cluster is known'))
    this.#schedule()
  }

  /** Resolves when everything is closed. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    const lameduckMs = Math.max(0, ...(this.#instance?.servers ?? []).map(({ health }) => health?.lameduckMs ?? 0))
    await new Promise((resolve) => setTimeout(resolve, lameduckMs))
    await Promise.all([...this.#listeners.values(), ...this.#http.values()].map((each) => each.close()))
    this.#instance?.stop()
  }

  async #load(): Promise<Instance> {
    const { corefile: file, log, write } = this.#options
    const servers = parseCorefile({ file, text: readFileSync(file, 'utf8'), env: process.env })
    return Instance.start({ servers, metrics: this.#metrics, log, write })
  }

  /** Opens what the new instance needs and is not open; closes what it no longer needs when all of it is open. */
  async #open(instance: Instance): Promise<void> {
    const wanted = new Map(instance.servers.flatMap(socketsOf))
    for (const [id, { port, address }] of wanted) {
      if (this.#listeners.has(id)) continue
      const respond: Parameters<typeof listen>[0]['respond'] = (message, client) =>
        this.#instance?.responder(port)?.respond(message, client)
      this.#listeners.set(id, await listen({ port, address, respond }))
      this.#options.log.info({ port, address: address ?? '*' }, 'serving DNS')
    }
    const routes = instance.routes()
    for (const address of routes.keys()) {
      if (this.#http.has(address)) continue
      this.#http.set(address, await serveHttp(address, () => this.#instance?.routes() ?? new Map()))
    }
    await closeOthers(this.#listeners, wanted)
    await closeOthers(this.#http, routes)
  }

  #schedule(): void {
    const reload = this.#instance?.servers.find((server) => server.reload)?.reload
    if (!reload || this.#stopped) return
    const jitterMs = (Math.random() * 2 - 1) * reload.jitterMs
    this.#timer = setTimeout(() => void this.#look().then(() => this.#schedule()), reload.intervalMs + jitterMs)
  }

  async #look(): Promise<void> {
    const stamp = this.#stamp()
    if (stamp === this.#seen || this.#stopped) return
    this.#seen = stamp
    await this.reload()
  }

  /** A Corefile that cannot be served leaves everything as it is. */
  async reload(): Promise<void> {
    const { log } = this.#options
    const old = this.#instance
    let next: Instance | undefined
    try {
      next = await this.#load()
      await Promise.race([next.synced, new Promise((resolve) => setTimeout(resolve, syncWithinMs))])
      if (this.#stopped) return next.stop()
      this.#instance = next
      await this.#open(next)
      old?.stop()
      next.checkLoops()
      log.info({ corefile: this.#options.corefile }, 'Corefile reloaded')
    } catch (error) {
      this.#instance = old
      next?.stop()
      this.#metrics.reloadFailed({})
      log.error({ err: error }, 'Corefile not reloaded: the former one stays in force')
    }
  }

  /** Changes when the file does; ConfigMap volumes exchange a symbolic link, which stat follows. */
  #stamp(): string {
    const stat = statSync(this.#options.corefile, { throwIfNoEntry: false })
    return stat ? `${stat.ino} ${stat.mtimeMs} ${stat.size}` : this.#seen
  }
}

function socketsOf({ port, bind }: ServerConfig): [string, { port: number; address: string | undefined }][] {
  const addresses = bind.length > 0 ? bind : [undefined]
  return addresses.map((address) => [`${address ?? '*'} ${port}`, { port, address }])
}

async function closeOthers(
  open: Map<string, { close(): Promise<void> }>,
  wanted: ReadonlyMap<string, unknown>,
): Promise<void> {
  for (const [id, each] of open) {
    if (wanted.has(id)) continue
    open.delete(id)
    await each.close()
  }
}
