/**
 * Remembers what the metrics must count until somebody asks for them: the metrics library costs more start-up time than
 * the proxy's whole first sync.
 */
import type { SyncObserver, SyncPass } from '../syncer.ts'
import type { ProxyMetrics } from './metrics.ts'

/** Past this many remembered passes the library costs less than the memory. */
const rememberedMax = 1000

export class LazyMetrics implements SyncObserver {
  #passes: { now: number; pass: SyncPass }[] = []
  #failures = 0
  #lastQueued = 0
  #metrics: ProxyMetrics | undefined
  #loading: Promise<ProxyMetrics> | undefined

  queued(now: number): void {
    this.#lastQueued = now
    this.#metrics?.queued(now)
  }

  synced(now: number, pass: SyncPass): void {
    if (this.#metrics) this.#metrics.synced(now, pass)
    else if (this.#passes.push({ now, pass }) > rememberedMax) void this.#load()
  }

  failed(): void {
    if (this.#metrics) this.#metrics.failed()
    else this.#failures += 1
  }

  /** The text exposition format. */
  async text(): Promise<{ type: string; body: string }> {
    const { registry } = await this.#load()
    return { type: registry.contentType, body: await registry.metrics() }
  }

  #load(): Promise<ProxyMetrics> {
    this.#loading ??= import('./metrics.ts').then(({ ProxyMetrics }) => {
      const metrics = new ProxyMetrics()
      if (this.#lastQueued) metrics.queued(this.#lastQueued)
      for (const { now, pass } of this.#passes) metrics.synced(now, pass)
      for (let i = 0; i < this.#failures; i++) metrics.failed()
      this.#passes = []
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
    failed: () => {
      for (const observer of all) observer.failed?.()
    },
  }
}
