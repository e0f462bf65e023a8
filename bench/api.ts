/**
 * How fast the API server answers over TLS, by its own load generator: `node bench/api.ts`. Each line is the median of
 * some rounds. The generator runs in a process of its own; on a machine with few cores it costs as much as the server.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Address {
  readonly port: number
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const concurrency = 16
const rounds = 5
const path = '/api/v1/namespaces/default/configmaps'

async function serve(): Promise<void> {
  const [{ createApiServer, listenHttps }, { definitions }, { openSqliteStore }, pki] = await Promise.all([
    import('../src/apiserver/index.ts'),
    import('../src/api/index.ts'),
    import('../src/store/index.ts'),
    import('../src/lib/pki.ts'),
  ])
  const dir = mkdtempSync(join(tmpdir(), 'bench-api-'))
  const ca = await pki.createCa({ commonName: 'bench-ca' })
  const server = await pki.issue(ca, { commonName: 's', ipAddresses: ['127.0.0.1'], usage: 'server', days: 1 })
  const client = await pki.issue(ca, { commonName: 'admin', usage: 'client', days: 1 })
  const store = openSqliteStore({ path: join(dir, 'store.db') })
  const api = createApiServer({
    store,
    definitions,
    settings: {
      serviceCidrs: ['10.96.0.0/12'],
      nodePortRange: { from: 30000, to: 32767 },
      clusterDomain: 'cluster.local',
    },
  })
  const listener = await listenHttps(api, {
    host: '127.0.0.1',
    port: 0,
    certPem: server.certPem,
    keyPem: server.keyPem,
    clientCaPem: ca.certPem,
  })
  process.send?.({ port: listener.port, ca: ca.certPem, cert: client.certPem, key: client.keyPem } satisfies Address)
  process.once('disconnect', () => {
    void listener.close().then(async () => {
      api.close()
      await store.close()
      rmSync(dir, { recursive: true })
    })
  })
}

function call(agent: Agent, port: number, method: string, target: string, body?: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, host: '127.0.0.1', port, method, path: target }, (incoming) => {
      incoming.resume()
      incoming.on('end', () =>
        (incoming.statusCode ?? 500) < 300
          ? resolve()
          : reject(new Error(`${method} ${target}: ${incoming.statusCode}`)),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body && JSON.stringify(body))
  })
}

/** Requests a second, `concurrency` at a time: the median of the rounds. */
async function measure(count: number, one: (i: number) => Promise<void>): Promise<number> {
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    let next = 0
    const started = performance.now()
    const worker = async () => {
      while (next < count) await one(round * count + next++)
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
    rates.push((count * 1000) / (performance.now() - started))
  }
  return rates.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0
}

async function drive({ port, ca, cert, key }: Address): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency, ca, cert, key })
  const configMap = (name: string) => ({ metadata: { name, labels: { bench: 'yes' } }, data: { key: 'x'.repeat(512) } })
  await call(agent, port, 'POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
  const lines: [string, number][] = []
  lines.push(['creates', await measure(400, (i) => call(agent, port, 'POST', path, configMap(`cm-${i}`)))])
  lines.push(['gets', await measure(3000, (i) => call(agent, port, 'GET', `${path}/cm-${i % 2000}`))])
  lines.push(['lists of 500', await measure(60, () => call(agent, port, 'GET', `${path}?limit=500`))])
  const selected = encodeURIComponent('bench=no')
  lines.push([
    'lists by label',
    await measure(200, () => call(agent, port, 'GET', `${path}?labelSelector=${selected}`)),
  ])
  agent.destroy()
  for (const [what, rate] of lines) console.log(`${what.padEnd(16)}${Math.round(rate).toString().padStart(8)} /s`)
}

if (process.send) await serve()
else {
  const child = fork(import.meta.filename)
  child.once('message', (address) => {
    void drive(address as Address).finally(() => child.disconnect())
  })
}
