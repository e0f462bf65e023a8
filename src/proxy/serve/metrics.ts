/** kube-proxy's metrics under kube-proxy's names, so that existing dashboards and alerts keep working. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { SyncObserver, SyncPass } from '../syncer.ts'

/** `count` bounds from `start`, each `factor` times the one before. */
function exponential(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i)
}

function linear(start: number, width: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + width * i)
}

/** kube-proxy's bounds for the network programming latency: 0.25 s to 5 minutes. */
const programmingBuckets = [0.25, 0.5, ...linear(1, 1, 59), ...linear(60, 5, 12), ...linear(120, 30, 7)]

export class ProxyMetrics implements SyncObserver {
  readonly registry = new Registry()
  readonly #duration: Record<'all' | 'full' | 'partial', Histogram>
  readonly #programming: Histogram
  readonly #lastSync: Gauge
  readonly #lastQueued: Gauge
  readonly #rules: Gauge
  readonly #failures: Counter

  constructor() {
    const registers = [this.registry]
    const seconds = exponential(0.001, 2, 15)
    const duration = (name: string, help: string) => new Histogram({ name, help, buckets: seconds, registers })
    this.#duration = {
      all: duration('kubeproxy_sync_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds'),
      full: duration(
        'kubeproxy_sync_full_proxy_rules_duration_seconds',
        'SyncProxyRules latency in seconds for full resyncs',
      ),
      partial: duration(
        'kubeproxy_sync_partial_proxy_rules_duration_seconds',
        'SyncProxyRules latency in seconds for partial resyncs',
      ),
    }
    this.#programming = new Histogram({
      name: 'kubeproxy_network_programming_duration_seconds',
      help: 'In Cluster Network Programming Latency in seconds',
      buckets: programmingBuckets,
      registers,
    })
    this.#lastSync = new Gauge({
      name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
      help: 'The last time proxy rules were successfully synced',
      registers,
    })
    this.#lastQueued = new Gauge({
      name: 'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds',
      help: 'The last time a sync of proxy rules was queued',
      registers,
    })
    this.#rules = new Gauge({
      name: 'kubeproxy_sync_proxy_rules_iptables_total',
      help: 'Total number of iptables rules owned by kube-proxy',
      labelNames: ['table'],
      registers,
    })
    this.#failures = new Counter({
      name: 'kubeproxy_sync_proxy_rules_iptables_restore_failures_total',
      help: 'Cumulative proxy iptables restore failures',
      registers,
    })
  }

  queued(now: number): void {
    this.#lastQueued.set(now / 1000)
  }

  synced(now: number, { seconds, full, triggerTimes, rules }: SyncPass): void {
    this.#duration.all.observe(seconds)
    this.#duration[full ? 'full' : 'partial'].observe(seconds)
    this.#lastSync.set(now / 1000)
    for (const [table, count] of Object.entries(rules)) this.#rules.set({ table }, count)
    for (const time of triggerTimes) this.#programming.observe(Math.max(0, (now - Date.parse(time)) / 1000))
  }

  failed(): void {
    this.#failures.inc()
  }
}
