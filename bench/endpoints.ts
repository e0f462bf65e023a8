/**
 * Endpoint controllers over the real API server and store. In one process, with 1,000 Services and 2,000 pods: from a
 * pod's readiness written to its EndpointSlice written, one pod at a time and in a burst. In a process of their own, with
 * one Service of 5,000 endpoints: the CPU they take while 50 pods a second change.
 * Run: scripts/sandbox scripts/node bench/endpoints.ts
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Pod } from '../src/api/generated/v1.ts'
import { Client, httpsTransport, Informer, loadKubeconfig, resources } from '../src/client/index.ts'
import { startEndpointControllers, startTestCluster, type TestCluster } from '../src/dns/fixture.ts'
import { percentiles, print } from './lib/report.ts'

const services = 1000
const pods = 2000
const single = 200
const burst = 100
const large = 5000
const changesPerSecond = 50
const seconds = 20

async function main(): Promise<void> {
  await measureMany()
  await measureLarge()
}

async function measureMany(): Promise<void> {
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

/** One Service of many endpoints, whose pods change all the time. */
async function measureLarge(): Promise<void> {
  const cluster = await startTestCluster({ controllers: false })
  const controllers = fork(import.meta.filename, ['controllers', join(cluster.directory, 'kubeconfig')])
  const cpu = async () => {
    controllers.send('cpu')
    return ((await once(controllers, 'message')) as [number])[0]
  }
  const watch = new SliceWatch(cluster)
  await cluster.client.create(resources.services, {
    metadata: { name: 'large', namespace: 'demo' },
    spec: { selector: { app: 'large' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  })
  for (let i = 0; i < large; i += 50) {
    const some = Array.from({ length: 50 }, (_, k) => i + k)
    await Promise.all(
      some.map((n) => cluster.pod(`large-${n}`, `10.250.${n >> 8}.${n & 255}`, { labels: { app: 'large' } })),
    )
  }
  await watch.readyEndpoints(large)
  const [before, writes, started] = [await cpu(), watch.changes, performance.now()]
  const times: Promise<number>[] = []
  for (let i = 0; i < seconds * changesPerSecond; i++) {
    times.push(flip(cluster, watch, `large-${(i * 37) % large}`))
    const due = started + ((i + 1) * 1000) / changesPerSecond
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
  }
  const share = ((await cpu()) - before) / (performance.now() - started)
  const rate = ((watch.changes - writes) / seconds).toFixed(0)
  print(
    `${large} endpoints, ${changesPerSecond} pods/s`,
    `${(share * 100).toFixed(1)} % of a core, ${rate} slice writes/s`,
  )
  print('pod ready or unready to slice written', percentiles(await Promise.all(times)))
  controllers.disconnect()
  watch.stop()
  await cluster.close()
}

/** The other process: answers each message with the milliseconds of CPU it has used. */
async function runControllers(kubeconfig: string): Promise<void> {
  const client = new Client({ transport: httpsTransport(await loadKubeconfig(kubeconfig)), userAgent: 'bench' })
  startEndpointControllers(client, new AbortController().signal)
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.((user + system) / 1000)
  })
  process.on('disconnect', () => process.exit())
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

const [mode, kubeconfig] = process.argv.slice(2)
if (mode === 'controllers' && kubeconfig) await runControllers(kubeconfig)
else await main()
