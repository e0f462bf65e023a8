/** kube-proxy's metrics under kube-proxy's names and labels, so that existing dashboards and alerts keep working. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { FlowCleaning } from '../conntrack.ts'
import type { PacketCount } from '../modes/mode.ts'
import type { Family } from '../plan/types.ts'
import type { SyncFailure, SyncObserver, SyncPass } from '../syncer.ts'
import type { ProxyGauges } from './gauges.ts'

/** `count` bounds from `start`, each `factor` times the one before. */
function exponential(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i)
}

function linear(start: number, width: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + width * i)
}

/** kube-proxy's bounds for the network programming latency: 0.25 s to 5 minutes. */
const programmingBuckets = [0.25, 0.5, ...linear(1, 1, 59), ...linear(60, 5, 12), ...linear(120, 30, 7)]
const passBuckets = exponential(0.001, 2, 15)

const packetMetrics = {
  'invalid-dropped': {
    name: 'iptables_ct_state_invalid_dropped_packets_total',
    help: 'packets dropped by iptables to work around conntrack problems',
  },
  'localhost-node-port-accepted': {
    name: 'iptables_localhost_nodeports_accepted_packets_total',
    help: 'Number of packets accepted on nodeports of loopback interface',
  },
} as const

const byFamily = ['ip_family'] as const
const label = (family: Family) => ({ ip_family: `IPv${family}` })

export class ProxyMetrics implements SyncObserver {
  readonly registry = new Registry()
  /** Families that a pass has worked on. */
  readonly #families = new Set<Family>()
  #lastQueued = 0

  readonly #duration = {
    all: this.#histogram('sync_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds', passBuckets),
    full: this.#histogram(
      'sync_full_proxy_rules_duration_seconds',
      'SyncProxyRules latency in seconds for full resyncs',
      passBuckets,
    ),
    partial: this.#histogram(
      'sync_partial_proxy_rules_duration_seconds',
      'SyncProxyRules latency in seconds for partial resyncs',
      passBuckets,
    ),
  }
  readonly #programming = this.#histogram(
    'network_programming_duration_seconds',
    'In Cluster Network Programming Latency in seconds',
    programmingBuckets,
  )
  readonly #cleaning = this.#histogram(
    'conntrack_reconciler_sync_duration_seconds',
    'ReconcileConntrackFlowsLatency latency in seconds',
    passBuckets,
  )
  readonly #cleaned = this.#counter(
    'conntrack_reconciler_deleted_entries_total',
    'Cumulative conntrack flows deleted by conntrack reconciler',
    byFamily,
  )
  readonly #failures = {
    full: this.#counter(
      'sync_proxy_rules_iptables_restore_failures_total',
      'Cumulative proxy iptables restore failures',
      byFamily,
    ),
    partial: this.#counter(
      'sync_proxy_rules_iptables_partial_restore_failures_total',
      'Cumulative proxy iptables partial restore failures',
      byFamily,
    ),
  }
  readonly #answers = {
    healthz: this.#counter('proxy_healthz_total', 'Cumulative proxy healthz HTTP status', ['code']),
    livez: this.#counter('proxy_livez_total', 'Cumulative proxy livez HTTP status', ['code']),
  }
  readonly #lastSyncAt = this.#gauge(
    'sync_proxy_rules_last_timestamp_seconds',
    'The last time proxy rules were successfully synced',
    byFamily,
  )
  readonly #lastQueuedAt = this.#gauge(
    'sync_proxy_rules_last_queued_timestamp_seconds',
    'The last time a sync of proxy rules was queued',
    byFamily,
  )
  readonly #rules = {
    total: this.#gauge('sync_proxy_rules_iptables_total', 'Total number of iptables rules owned by kube-proxy', [
      ...byFamily,
      'table',
    ]),
    written: this.#gauge(
      'sync_proxy_rules_iptables_last',
      'Number of iptables rules written by kube-proxy in last sync',
      [...byFamily, 'table'],
    ),
  }
  readonly #noLocalEndpoints = this.#gauge(
    'sync_proxy_rules_no_local_endpoints_total',
    'Number of services with a Local traffic policy and no endpoints',
    [...byFamily, 'traffic_policy'],
  )
  readonly #changes = {
    service: this.#changeMetrics('service', 'Service'),
    endpoint: this.#changeMetrics('endpoint', 'Endpoint'),
  }

  readonly #packets = new Map<PacketCount['what'], Counter>()

  queued(now: number): void {
    this.#lastQueued = now
    for (const family of this.#families) this.#lastQueuedAt.set(label(family), now / 1000)
  }

  synced(now: number, { written, triggerTimes, families }: SyncPass): void {
    for (const { family, seconds, full } of written) {
      this.#duration.all.observe(label(family), seconds)
      this.#duration[full ? 'full' : 'partial'].observe(label(family), seconds)
    }
    for (const family of families) {
      if (!this.#families.has(family)) this.#lastQueuedAt.set(label(family), this.#lastQueued / 1000)
      this.#families.add(family)
      this.#lastSyncAt.set(label(family), now / 1000)
    }
    for (const { family, time } of triggerTimes)
      this.#programming.observe(label(family), Math.max(0, (now - Date.parse(time)) / 1000))
  }

  failed({ family, full }: SyncFailure): void {
    this.#failures[full ? 'full' : 'partial'].inc(label(family))
  }

  cleaned({ family, seconds, deleted }: FlowCleaning): void {
    this.#cleaning.observe(label(family), seconds)
    this.#cleaned.inc(label(family), deleted)
  }

  answered(path: 'healthz' | 'livez', code: number): void {
    this.#answers[path].inc({ code })
  }

  show({ rules, noLocalEndpoints, packets, changes }: ProxyGauges): void {
    for (const { family, table, total, written } of rules) {
      this.#rules.total.set({ ...label(family), table }, total)
      this.#rules.written.set({ ...label(family), table }, written)
    }
    for (const { family, trafficPolicy, ports } of noLocalEndpoints)
      this.#noLocalEndpoints.set({ ...label(family), traffic_policy: trafficPolicy }, ports)
    for (const one of packets) this.#setCounter(this.#packetCounter(one.what), one.packets)
    for (const kind of ['service', 'endpoint'] as const) {
      const { total, pending } = this.#changes[kind]
      this.#setCounter(total, changes[kind].total)
      pending.set(changes[kind].pending)
    }
  }

  /** Counters that the kernel has: there only where it counts. */
  #packetCounter(what: PacketCount['what']): Counter {
    const { name, help } = packetMetrics[what]
    const existing = this.#packets.get(what) ?? this.#counter(name, help, [])
    this.#packets.set(what, existing)
    return existing
  }

  #setCounter(counter: Counter, total: number): void {
    counter.reset()
    counter.inc(total)
  }

  #changeMetrics(kind: string, word: string) {
    return {
      total: this.#counter(`sync_proxy_rules_${kind}_changes_total`, `Cumulative proxy rules ${word} changes`, []),
      pending: this.#gauge(`sync_proxy_rules_${kind}_changes_pending`, `Pending proxy rules ${word} changes`, []),
    }
  }

  #histogram(name: string, help: string, buckets: number[]) {
    return new Histogram({ ...this.#named(name, help), buckets, labelNames: byFamily })
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]) {
    return new Counter({ ...this.#named(name, help), labelNames })
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[]) {
    return new Gauge({ ...this.#named(name, help), labelNames })
  }

  #named(name: string, help: string) {
    return { name: `kubeproxy_${name}`, help, registers: [this.registry] }
  }
}
