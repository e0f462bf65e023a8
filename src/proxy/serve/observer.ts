/**
 * Remembers what the metrics must count until somebody asks for them: the metrics library costs more start-up time than
 * the proxy's whole first sync.
 */
import type { FlowCleaning } from '../conntrack.ts'
import type { SyncFailure, SyncObserver, SyncPass } from '../syncer.ts'
import type { ProxyGauges } from './gauges.ts'
import type { ProxyMetrics } from './metrics.ts'

/** Past this many remembered events the library costs less than the memory. */
const rememberedMax = 1000

export class LazyMetrics implements SyncObserver {
  #events: ((metrics: ProxyMetrics) => void)[] = []
  #lastQueued = 0
  #metrics: ProxyMetrics | undefined
  #loading: Promise<ProxyMetrics> | undefined

  queued(now: number): void {
    this.#lastQueued = now
    this.#metrics?.queued(now)
  }

  synced(now: number, pass: SyncPass): void {
    this.#tell((metrics) => metrics.synced(now, pass))
  }

  failed(failure: SyncFailure): void {
    this.#tell((metrics) => metrics.failed(failure))
  }

  cleaned(cleaning: FlowCleaning): void {
    this.#tell((metrics) => metrics.cleaned(cleaning))
  }

  /** An answer of `/healthz` or `/livez`. */
  answered(path: 'healthz' | 'livez', code: number): void {
    this.#tell((metrics) => metrics.answered(path, code))
  }

  /** The text exposition format. */
  async text(gauges: ProxyGauges): Promise<{ type: string; body: string }> {
    const metrics = await this.#load()
    metrics.show(gauges)
    return { type: metrics.registry.contentType, body: await metrics.registry.metrics() }
  }

  #tell(event: (metrics: ProxyMetrics) => void): void {
    if (this.#metrics) event(this.#metrics)
    else if (this.#events.push(event) > rememberedMax) void this.#load()
  }

  #load(): Promise<ProxyMetrics> {
    this.#loading ??= import('./metrics.ts').then(({ ProxyMetrics }) => {
      const metrics = new ProxyMetrics()
      for (const event of this.#events) event(metrics)
      if (this.#lastQueued) metrics.queued(this.#lastQueued)
      this.#events = []
      this.#metrics = metrics
      return metrics
    })
    return this.#loading
  }
}

/** Tells each of them. */
export function observers(...all: readonly Partial<SyncObserver>[]): SyncObserver {
  return {
    queued: (now) => {
      for (const observer of all) observer.queued?.(now)
    },
    synced: (now, pass) => {
      for (const observer of all) observer.synced?.(now, pass)
    },
    failed: (failure) => {
      for (const observer of all) observer.failed?.(failure)
    },
  }
}
