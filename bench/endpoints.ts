/**
 * Endpoint controllers over the real API server and store, in one process: 1,000 Services, 2,000 pods; from a pod's
 * readiness written to its EndpointSlice written, one pod at a time and in a burst.
 * Run: scripts/sandbox scripts/node bench/endpoints.ts
 */
import type { Pod } from '../src/api/generated/v1.ts'
import { Informer, resources } from '../src/client/index.ts'
import { startTestCluster, type TestCluster } from '../src/dns/fixture.ts'

const services = 1000
const pods = 2000
const single = 200
const burst = 100

async function main(): Promise<void> {
  const cluster = await startTestCluster()
  const watch = new SliceWatch(cluster)
  const filled = performance.now()
  await populate(cluster)
  await watch.readyEndpoints(pods)
  print(
    'filled',
    `${services} Services, ${pods} pods, all in slices after ${((performance.now() - filled) / 1000).toFixed(1)} s`,
  )
  const times: number[] = []
  for (let i = 0; i < single; i++) times.push(await flip(cluster, watch, `pod-${i * 7}`))
  print('pod ready or unready to slice written', percentiles(times))
  await measureBurst(cluster, watch)
  watch.stop()
  await cluster.close()
}

async function populate({ client, pod }: TestCluster): Promise<void> {
  for (let i = 0; i < services; i++) {
    await client.create(resources.services, {
      metadata: { name: `svc-${i}`, namespace: 'demo' },
      spec: { selector: { app: `app-${i}` }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    })
  }
  for (let i = 0; i < pods; i += 50) {
    const some = Array.from({ length: Math.min(50, pods - i) }, (_, k) => i + k)
    await Promise.all(
      some.map((n) => pod(`pod-${n}`, `10.244.${n >> 8}.${n & 255}`, { labels: { app: `app-${n % services}` } })),
    )
  }
}

/** Turns a pod's readiness over; the time from the write's answer to the slice's event. */
async function flip({ client }: TestCluster, watch: SliceWatch, name: string): Promise<number> {
  const pod = await client.get(resources.pods, { namespace: 'demo', name })
  const ready = pod.status?.conditions?.[0]?.status !== 'True'
  const seen = watch.next(name, ready)
  await client.updateStatus(resources.pods, turned(pod, ready))
  const written = performance.now()
  return Math.max(0, (await seen) - written)
}

function turned(pod: Pod, ready: boolean): Pod {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }]
  return { ...pod, status: { ...pod.status, conditions } }
}

/** Many pods of one Service become ready one after the other. */
async function measureBurst({ client, pod }: TestCluster, watch: SliceWatch): Promise<void> {
  await client.create(resources.services, {
    metadata: { name: 'burst', namespace: 'demo' },
    spec: { selector: { app: 'burst' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  })
  const before = watch.changes
  const all = Array.from({ length: burst }, (_, i) => `burst-${i}`)
  const seen = Promise.all(all.map((name) => watch.next(name, true)))
  const started = performance.now()
  for (const [i, name] of all.entries()) await pod(name, `10.245.0.${i}`, { labels: { app: 'burst' } })
  const made = performance.now()
  await seen
  const text = `${burst} pods in ${(made - started).toFixed(0)} ms, all in slices ${(performance.now() - made).toFixed(0)} ms later`
  print('burst', `${text}, ${watch.changes - before} writes of slices`)
}

class SliceWatch {
  changes = 0
  readonly #stop = new AbortController()
  readonly #informer
  readonly #waiting = new Map<string, { ready: boolean; resolve: (at: number) => void }>()

  constructor({ client }: TestCluster) {
    this.#informer = new Informer({ client, resource: resources.endpointSlices })
    this.#informer.onChange(({ object }) => {
      this.changes++
      const at = performance.now()
      for (const { targetRef, conditions } of object.endpoints ?? []) {
        const waiting = this.#waiting.get(targetRef?.name ?? '')
        if (waiting?.ready === conditions?.ready) this.#answer(targetRef?.name ?? '', at)
      }
    })
    this.#informer.start(this.#stop.signal)
  }

  next(pod: string, ready: boolean): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(pod, { ready, resolve }))
  }

  async readyEndpoints(count: number): Promise<void> {
    const now = () =>
      this.#informer
        .list()
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready).length
    while (now() < count) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  stop(): void {
    this.#stop.abort()
  }

  #answer(pod: string, at: number): void {
    this.#waiting.get(pod)?.resolve(at)
    this.#waiting.delete(pod)
  }
}

function percentiles(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2)
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms (${times.length})`
}

function print(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(40)} ${value}\n`)
}

await main()
