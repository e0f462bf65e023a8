/**
 * Cluster DNS over loopback: queries per second and latency for a name in the zone, start-up time and memory of the
 * process, and the time from a Service's creation to the first answer. Run: scripts/sandbox scripts/node bench/dns.ts
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { resources } from '../src/client/index.ts'
import { ask, freePort, question, startTestCluster, type TestCluster } from '../src/dns/fixture.ts'
import { encodeMessage } from '../src/dns/wire/index.ts'
import { percentiles, print, pss } from './lib/report.ts'

const services = 1000
const inFlight = 64
const loadMs = 3000

async function main(): Promise<void> {
  const cluster = await startTestCluster()
  await populate(cluster)
  const port = await freePort()
  const httpPort = await freePort()
  writeFileSync(
    join(cluster.directory, 'Corefile'),
    `.:${port} {
      bind 127.0.0.1
      ready 127.0.0.1:${httpPort}
      kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig ${join(cluster.directory, 'kubeconfig')}
        pods insecure
        ttl 30
      }
      loadbalance
    }`,
  )
  const started = performance.now()
  const server = startServer(join(cluster.directory, 'Corefile'))
  await until(async () => (await fetch(`http://127.0.0.1:${httpPort}/ready`).catch(() => undefined))?.status === 200)
  print('start to ready', `${(performance.now() - started).toFixed(0)} ms with ${services} Services`)
  await measureChange(cluster, port)
  await measureLoad(port)
  const memory = pss(server.pid ?? 0)
  print(
    'memory (PSS)',
    `${(memory.total / 1024).toFixed(1)} MB, ${(memory.anonymous / 1024).toFixed(1)} MB of it anonymous`,
  )
  server.kill('SIGTERM')
  await new Promise((resolve) => server.on('exit', resolve))
  await cluster.close()
}

async function populate({ client, pod }: TestCluster): Promise<void> {
  const spec = { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] }
  for (let i = 0; i < services; i++) {
    const app = `app-${i}`
    const metadata = { name: `svc-${i}`, namespace: 'demo' }
    await client.create(resources.services, { metadata, spec: { ...spec, selector: { app } } })
  }
  for (let i = 0; i < 10; i++) await pod(`web-${i}`, `10.244.0.${i}`)
  await client.create(resources.services, {
    metadata: { name: 'web-hl', namespace: 'demo' },
    spec: { ...spec, clusterIP: 'None' },
  })
}

function startServer(corefile: string): ChildProcess {
  const main = new URL('../src/dns/main.ts', import.meta.url).pathname
  return spawn(process.execPath, [main, '-conf', corefile], { stdio: ['ignore', 'inherit', 'inherit'] })
}

async function measureChange({ client }: TestCluster, port: number): Promise<void> {
  const times: number[] = []
  for (let i = 0; i < 50; i++) {
    const name = `late-${i}`
    await client.create(resources.services, {
      metadata: { name, namespace: 'demo' },
      spec: { ports: [{ port: 80 }] },
    })
    const written = performance.now()
    await until(async () => (await ask(port, question(`${name}.demo.svc.cluster.local.`))).answers.length > 0)
    times.push(performance.now() - written)
  }
  print('Service written to its name answered', percentiles(times))
}

/** A closed loop: `inFlight` questions are under way at any time, each socket waits for its answer. */
async function measureLoad(port: number): Promise<void> {
  const message = encodeMessage(question('svc-7.demo.svc.cluster.local.'))
  const times: number[] = []
  const end = performance.now() + loadMs
  await Promise.all(
    Array.from(
      { length: inFlight },
      () =>
        new Promise<void>((resolve) => {
          const socket = createSocket('udp4')
          let sent = 0
          const next = () => {
            sent = performance.now()
            if (sent > end) return socket.close(() => resolve())
            socket.send(message)
          }
          socket.on('message', () => {
            times.push(performance.now() - sent)
            next()
          })
          socket.connect(port, '127.0.0.1', next)
        }),
    ),
  )
  print(
    'queries per second',
    `${Math.round((times.length / loadMs) * 1000)} (the client in one process shares the machine)`,
  )
  print(`latency, ${inFlight} at a time`, percentiles(times))
  const single: number[] = []
  for (let i = 0; i < 500; i++) {
    const sent = performance.now()
    await ask(port, question('web-hl.demo.svc.cluster.local.'))
    single.push(performance.now() - sent)
  }
  print('latency, one at a time', percentiles(single))
}

async function until(holds: () => Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('waited too long')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

await main()
