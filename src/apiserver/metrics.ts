/**
 * The server's own measurements under kube-apiserver's names. Counting is a map update per request; the text is made
 * when somebody scrapes, and only then is the library for the process metrics loaded.
 */
import type { Registry as PromRegistry } from 'prom-client'

/** Seconds; kube-apiserver's buckets, thinned. */
const durationBuckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 1, 2, 5, 10, 30, 60] as const

interface Histogram {
  /** By bucket, those of the smaller ones not included. */
  readonly counts: number[]
  sum: number
  count: number
}

export interface ServedRequest {
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly scope: 'resource' | 'namespace' | 'cluster' | ''
}

/** What was asked how often with one outcome. */
interface Series extends Histogram {
  readonly request: ServedRequest
  readonly code: number
}

export class ServerMetrics {
  readonly #series = new Map<string, Series>()
  readonly #longRunning = new Map<string, number>()
  #process: Promise<PromRegistry> | undefined

  finished(request: ServedRequest, code: number, seconds: number): void {
    const { verb, group, version, resource, subresource, scope } = request
    const key = `${code} ${verb} ${resource}.${group}/${version} ${subresource} ${scope}`
    let series = this.#series.get(key)
    if (!series) {
      series = { request, code, ...emptyHistogram() }
      this.#series.set(key, series)
    }
    observe(series, seconds)
  }

  /** Counts a watch, a followed log or a session; call the result when it ends. */
  longRunning(request: ServedRequest): () => void {
    const labels = labelsOf(request)
    increase(this.#longRunning, labels, 1)
    return () => increase(this.#longRunning, labels, -1)
  }

  async render(): Promise<string> {
    this.#process ??= processMetrics()
    const process = await this.#process
    return [
      ...family('apiserver_request_total', 'counter', 'Counter of apiserver requests.', this.#requests()),
      ...family(
        'apiserver_longrunning_requests',
        'gauge',
        'Gauge of all active long-running requests.',
        this.#longRunning,
      ),
      ...this.#renderDurations(),
      await process.metrics(),
    ].join('\n')
  }

  #requests(): ReadonlyMap<string, number> {
    const labelled = [...this.#series.values()].map(
      ({ request, code, count }) => [`code="${code}",dry_run="",${labelsOf(request)}`, count] as const,
    )
    return new Map(labelled)
  }

  /** By labels, whatever the outcome. */
  #durations(): ReadonlyMap<string, Histogram> {
    const all = new Map<string, Histogram>()
    for (const { request, counts, sum, count } of this.#series.values()) {
      const labels = labelsOf(request)
      const one = all.get(labels) ?? emptyHistogram()
      all.set(labels, {
        counts: one.counts.map((n, i) => n + counts[i]!),
        sum: one.sum + sum,
        count: one.count + count,
      })
    }
    return all
  }

  #renderDurations(): string[] {
    const name = 'apiserver_request_duration_seconds'
    const lines = [`# HELP ${name} Response latency distribution in seconds.`, `# TYPE ${name} histogram`]
    for (const [labels, { counts, sum, count }] of this.#durations()) {
      let below = 0
      for (const [i, bucket] of durationBuckets.entries()) {
        below += counts[i]!
        lines.push(`${name}_bucket{${labels},le="${bucket}"} ${below}`)
      }
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`, `${name}_sum{${labels}} ${sum}`)
      lines.push(`${name}_count{${labels}} ${count}`)
    }
    return lines
  }
}

/** Once: its observers stay for the life of the process. */
async function processMetrics(): Promise<PromRegistry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const register = new Registry()
  collectDefaultMetrics({ register })
  return register
}

function labelsOf({ verb, group, version, resource, subresource, scope }: ServedRequest): string {
  return (
    `component="apiserver",group="${group}",resource="${resource}",scope="${scope}",` +
    `subresource="${subresource}",verb="${verb}",version="${version}"`
  )
}

function emptyHistogram(): Histogram {
  return { counts: durationBuckets.map(() => 0), sum: 0, count: 0 }
}

function observe(histogram: Histogram, seconds: number): void {
  const bucket = durationBuckets.findIndex((bound) => seconds <= bound)
  if (bucket >= 0) histogram.counts[bucket]! += 1
  histogram.sum += seconds
  histogram.count += 1
}

function increase(counts: Map<string, number>, labels: string, by: number): void {
  counts.set(labels, (counts.get(labels) ?? 0) + by)
}

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string[] {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
  for (const [labels, value] of values) lines.push(`${name}{${labels}} ${value}`)
  return lines
}
