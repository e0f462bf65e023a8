/** Informers of @kubernetes/client-node, as operators in JavaScript use them. Needs loopback only. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import {
  CoreV1Api,
  type Informer,
  KubeConfig,
  makeInformer,
  type ObjectCache,
  type V1ConfigMap,
} from '@kubernetes/client-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HttpsTestServer, startHttpsTestServer } from './test-https.ts'
import { until } from './test-server.ts'

/** Megabytes go over TLS, on machines that may be busy. */
const patience = { timeoutMs: 30_000 }

let https: HttpsTestServer
let line: Line
let informer: Informer<V1ConfigMap> & ObjectCache<V1ConfigMap>
const seen: string[] = []
const path = '/api/v1/namespaces/default/configmaps'

/** The wire between client and server, which can be cut, and held so that nobody gets through. */
interface Line {
  readonly port: number
  held: boolean
  cut(): void
  close(): void
}

async function startLine(to: number): Promise<Line> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    if (line.held) return void client.destroy()
    const upstream = connect(to, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream).pipe(client)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const close = () => {
    server.close()
    cut()
  }
  return { port: (server.address() as AddressInfo).port, held: false, cut, close }
}

function kubeConfig(): KubeConfig {
  const { ca, cert, key } = https.credentials
  const base64 = (pem: string) => Buffer.from(pem).toString('base64')
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'c', server: `https://127.0.0.1:${line.port}`, caData: base64(ca), skipTLSVerify: false },
    { name: 'u', certData: base64(cert), keyData: base64(key) },
  )
  return config
}

beforeEach(async () => {
  https = await startHttpsTestServer()
  line = await startLine(https.port)
  seen.length = 0
  const config = kubeConfig()
  const core = config.makeApiClient(CoreV1Api)
  informer = makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace: 'default' }))
  const note = (event: string) => (object: V1ConfigMap) => {
    seen.push(`${event} ${object.metadata?.name}=${object.data?.['v'] ?? ''}`)
  }
  informer.on('add', note('add'))
  informer.on('update', note('update'))
  informer.on('delete', note('delete'))
  // What applications do: try again in a moment.
  informer.on('error', () => setTimeout(() => void informer.start(), 20))
})
afterEach(async () => {
  await informer.stop()
  line.close()
  await https[Symbol.asyncDispose]()
})

const put = (name: string, v: string) =>
  https.api.request('PATCH', `${path}/${name}`, { data: { v } }, { 'content-type': 'application/merge-patch+json' })
const create = (name: string, data: object = {}) => https.api.request('POST', path, { metadata: { name }, data })

test('sees what is there and what happens', async () => {
  await create('a')
  await informer.start()
  await create('b')
  await put('a', '1')
  await https.api.request('DELETE', `${path}/b`)
  await until('four events', () => seen.length === 4, patience)
  expect(seen).toEqual(['add a=', 'add b=', 'update a=1', 'delete b='])
  expect(informer.list().map(({ metadata }) => metadata?.name)).toEqual(['a'])
})

test('loses nothing over a broken connection', async () => {
  await create('a')
  await informer.start()
  await until('the first', () => seen.length === 1, patience)
  for (let i = 0; i < 10; i++) {
    if (i % 3 === 0) line.cut()
    await put('a', String(i))
  }
  await until('the last change', () => informer.get('a', 'default')?.data?.['v'] === '9', patience)
})

test('lists again when its history is gone', async () => {
  await create('a')
  await create('b')
  await informer.start()
  await until('the first two', () => seen.length === 2, patience)
  line.held = true
  line.cut()
  await https.api.request('DELETE', `${path}/b`)
  for (let i = 0; i < 12; i++) await put('a', 'x'.repeat(900_000) + i)
  await put('a', 'last')
  await https.api.store.compact(await https.api.store.currentRevision())
  line.held = false
  await until('the present state', () => informer.get('a', 'default')?.data?.['v'] === 'last', patience)
  expect(informer.get('b', 'default')).toBeUndefined()
})
