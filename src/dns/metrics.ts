/**
 * Counters and histograms in Prometheus' text format, under CoreDNS's names. Own and small: a registry library is
 * half of this program's start-up time and memory, and a query must cost one map look-up here.
 */

type Labels = Readonly<Record<string, string | number>>

const durationBuckets = [
  0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8,
]

class Counter {
  value = 0
}

class Histogram {
  readonly counts = durationBuckets.map(() => 0)
  count = 0
  sum = 0

  observe(seconds: number): void {
    const i = durationBuckets.findIndex((bound) => seconds <= bound)
    if (i >= 0) this.counts[i] = (this.counts[i] ?? 0) + 1
    this.count++
    this.sum += seconds
  }
}

interface Family<T> {
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly children: Map<string, T>
}

class Metrics {
  readonly #counters = new Map<string, Family<Counter>>()
  readonly #histograms = new Map<string, Family<Histogram>>()
  readonly #gauges: (() => string)[] = []

  counter(name: string, help: string): (labels: Labels, by?: number) => void {
    const family: Family<Counter> = { help, type: 'counter', children: new Map() }
    this.#counters.set(name, family)
    return (labels, by = 1) => {
      child(family, labels, () => new Counter()).value += by
    }
  }

  histogram(name: string, help: string): (labels: Labels, seconds: number) => void {
    const family: Family<Histogram> = { help, type: 'histogram', children: new Map() }
    this.#histograms.set(name, family)
    return (labels, seconds) => child(family, labels, () => new Histogram()).observe(seconds)
  }

  /** Read when scraped. */
  gauge(name: string, help: string, read: () => readonly (readonly [Labels, number])[]): void {
    this.#gauges.push(() => {
      const lines = read().map(([labels, value]) => `${name}${braces(render(labels))} ${value}`)
      return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines].join('\n')
    })
  }

  /** The exposition format, version 0.0.4. */
  expose(): string {
    const parts: string[] = []
    for (const [name, { help, type, children }] of this.#counters) {
      parts.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
      for (const [labels, { value }] of children) parts.push(`${name}${braces(labels)} ${value}`)
    }
    for (const [name, { help, type, children }] of this.#histograms) {
      parts.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
      for (const [labels, histogram] of children) parts.push(...histogramLines(name, labels, histogram))
    }
    return `${[...parts, ...this.#gauges.map((read) => read())].join('\n')}\n`
  }
}

function child<T>({ children }: Family<T>, labels: Labels, make: () => T): T {
  const key = render(labels)
  let found = children.get(key)
  if (!found) children.set(key, (found = make()))
  return found
}

function histogramLines(name: string, labels: string, { counts, count, sum }: Histogram): string[] {
  let cumulated = 0
  const with_ = (le: string) => braces(`${labels}${labels && ','}le="${le}"`)
  return [
    ...durationBuckets.map((bound, i) => `${name}_bucket${with_(String(bound))} ${(cumulated += counts[i] ?? 0)}`),
    `${name}_bucket${with_('+Inf')} ${count}`,
    `${name}_sum${braces(labels)} ${sum}`,
    `${name}_count${braces(labels)} ${count}`,
  ]
}

function render(labels: Labels): string {
  let text = ''
  for (const name in labels) {
    const value = String(labels[name]).replace(/["\\\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))
    text += `${text && ','}${name}="${value}"`
  }
  return text
}

const braces = (labels: string) => (labels ? `{${labels}}` : '')

/** What this program counts. */
export class DnsMetrics {
  readonly registry = new Metrics()
  readonly requests = this.registry.counter(
    'coredns_dns_requests_total',
    'Counter of DNS requests made per zone, protocol and family.',
  )
  readonly responses = this.registry.counter('coredns_dns_responses_total', 'Counter of response status codes.')
  readonly duration = this.registry.histogram(
    'coredns_dns_request_duration_seconds',
    'Histogram of the time (in seconds) each request took per zone.',
  )
  readonly panics = this.registry.counter('coredns_panics_total', 'A metrics that counts the number of panics.')
  readonly cacheHits = this.registry.counter('coredns_cache_hits_total', 'The count of cache hits.')
  readonly cacheMisses = this.registry.counter('coredns_cache_misses_total', 'The count of cache misses.')
  readonly forwardDuration = this.registry.histogram(
    'coredns_proxy_request_duration_seconds',
    'Histogram of the time each request took.',
  )
  readonly forwardRejected = this.registry.counter(
    'coredns_forward_max_concurrent_rejects_total',
    'Counter of the number of queries rejected because the concurrent queries were at maximum.',
  )
  readonly programming = this.registry.histogram(
    'coredns_kubernetes_dns_programming_duration_seconds',
    'Histogram of the time (in seconds) it took to program a dns instance.',
  )
  readonly reloadFailed = this.registry.counter(
    'coredns_reload_failed_total',
    'Counter of the number of failed reload attempts.',
  )

  constructor(version: string) {
    this.registry.gauge('coredns_build_info', 'A metric with a constant "1" value labeled by version.', () => [
      [{ version }, 1],
    ])
  }
}
