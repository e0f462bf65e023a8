/** The proxy subresource over real TLS, to backends on an address that stands for a pod's. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { Agent, createServer as createHttpsServer, type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { definitions } from '../../api/index.ts'
import { Client, resources } from '../../client/index.ts'
import { run } from '../../lib/exec.ts'
import { createCa, issue, type KeyPair } from '../../lib/pki.ts'
import { openSqliteStore, type Store } from '../../store/index.ts'
import { type Listener, listenHttps } from '../edge/https.ts'
import { inProcessTransport } from '../edge/in-process.ts'
import { type ApiServer, createApiServer } from '../server.ts'

const podIp = '10.244.7.7'
const dir = mkdtempSync(join(tmpdir(), 'apiserver-proxy-'))
const services = '/api/v1/namespaces/demo/services'
/** For bodies that the API server itself reads. */
const bodyTimeoutMs = 1000
let client: KeyPair
let store: Store
let api: ApiServer
let listener: Listener
const backends: Server[] = []

const encoders = {
  gzip: gzipSync,
  deflate: deflateSync,
  'deflate-raw': deflateRawSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
}

const sharingHeaders = {
  'access-control-allow-origin': '*',
  'access-control-allow-credentials': 'true',
  'access-control-allow-headers': '*',
  'access-control-allow-methods': '*',
  'access-control-max-age': '1',
}

const backend: RequestListener = (incoming, response) => {
  const { pathname } = new URL(incoming.url ?? '', 'http://x')
  switch (pathname) {
    case '/page':
      return void response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'set-cookie': ['a=1', 'b=2'] })
        .end('<a href="/next">caf\u00e9</a>')
    case '/encoded': {
      const encoding = incoming.headers['x-encoding'] as keyof typeof encoders
      const headers = { 'content-type': 'text/html', 'content-encoding': encoding.replace('-raw', '') }
      return void response.writeHead(200, headers).end(encoders[encoding](Buffer.from('<a href="/next">next</a>')))
    }
    case '/empty':
      return void response
        .writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip', 'content-length': '0' })
        .end()
    case '/nothing': {
      const encoding = String(incoming.headers['x-encoding'])
      return void response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': encoding }).end()
    }
    case '/unchanged':
      return void response.writeHead(304, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end()
    case '/shared':
      return void response.writeHead(200, sharingHeaders).end()
    case '/cached':
      return void response.writeHead(200, { 'cache-control': 'max-age=60' }).end()
    case '/trailers':
      response.writeHead(200, { 'content-type': 'text/plain', trailer: 'X-Sum' })
      response.addTrailers({ 'X-Sum': String(incoming.headers.te) })
      return void response.end('whole')
    case '/headers':
      return void response.writeHead(200, { 'x-long': 'a'.repeat(100_000) }).end()
    case '/moved':
      return void response.writeHead(302, { location: '/elsewhere/' }).end()
    case '/digest':
      return void digest(incoming).then((text) => response.end(text))
    case '/large':
      return void response.end(randomBytes(1_000_000))
    case '/slow':
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.flushHeaders()
      return
    default:
      return void response.end(
        JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.headers }),
      )
  }
}

async function digest(stream: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

beforeAll(async () => {
  await run('ip', ['link', 'set', 'lo', 'up'])
  await run('ip', ['address', 'add', `${podIp}/32`, 'dev', 'lo'])
  const ca = await createCa({ commonName: 'test-ca' })
  const own = await issue(ca, { commonName: 's', ipAddresses: ['127.0.0.1', podIp], usage: 'server', days: 1 })
  client = await issue(ca, { commonName: 'admin', organizations: ['system:masters'], usage: 'client', days: 1 })
  await listen(createServer(backend), 8080)
  await listen(createHttpsServer({ cert: own.certPem, key: own.keyPem }, backend), 8443)
  const kubelet = { cert: own.certPem, key: own.keyPem, ca: ca.certPem, requestCert: true }
  await listen(
    createHttpsServer(kubelet, (incoming, response) => response.end(`agent ${incoming.url}`)),
    10250,
  )
  const sockets = new WebSocketServer({ server: backends[0]!, path: '/echo' })
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  store = openSqliteStore({ path: join(dir, 'store.db') })
  api = createApiServer({
    store,
    definitions,
    settings: { serviceCidrs: ['10.96.0.0/12'], nodePortRange: { from: 30_000, to: 32_767 }, clusterDomain: 'c.local' },
    disableAdmissionPlugins: ['ServiceAccount'],
    agents: { certPem: client.certPem, keyPem: client.keyPem, caPem: ca.certPem },
  })
  const { certPem, keyPem } = own
  const address = { host: '127.0.0.1', port: 0, bodyTimeoutMs }
  listener = await listenHttps(api, { ...address, certPem, keyPem, clientCaPem: ca.certPem })
  await createObjects()
})

async function listen(server: Server, port: number): Promise<void> {
  backends.push(server)
  await new Promise<void>((resolve) => server.listen(port, podIp, resolve))
}

/** A pod with a Service that has a named port, one that leads nowhere, and a slice that names no pod. */
async function createObjects(): Promise<void> {
  const kube = new Client({ transport: inProcessTransport(api, { name: 'admin', groups: ['system:masters'] }) })
  const metadata = (name: string) => ({ name, namespace: 'demo' })
  await kube.create(resources.namespaces, { metadata: { name: 'demo' } })
  const pod = await kube.create(resources.pods, {
    metadata: metadata('web-0'),
    spec: { containers: [{ name: 'web', image: 'web', ports: [{ containerPort: 8080 }] }] },
  })
  await kube.updateStatus(resources.pods, {
    ...pod,
    status: { phase: 'Running', podIP: podIp, podIPs: [{ ip: podIp }] },
  })
  for (const [name, address] of [
    ['node-1', podIp],
    ['loopback', '127.0.0.1'],
  ] as const) {
    const node = await kube.create(resources.nodes, { metadata: { name } })
    const addresses = [{ type: 'InternalIP', address }]
    await kube.updateStatus(resources.nodes, { ...node, status: { ...node.status, addresses } })
  }
  const ports = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'tls', port: 443, targetPort: 8443 },
    { name: 'dead', port: 81, targetPort: 9 },
  ]
  for (const name of ['web', 'empty', 'forged']) {
    await kube.create(resources.services, { metadata: metadata(name), spec: { ports } })
  }
  const slice = (service: string, pod: string) => ({
    metadata: { ...metadata(`${service}-1`), labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4' as const,
    ports: ports.map(({ name, targetPort }) => ({ name, port: targetPort, protocol: 'TCP' })),
    endpoints: [{ addresses: [podIp], targetRef: { kind: 'Pod', namespace: 'demo', name: pod } }],
  })
  await kube.create(resources.endpointSlices, slice('web', 'web-0'))
  await kube.create(resources.endpointSlices, slice('forged', 'no-such-pod'))
}

afterAll(async () => {
  for (const server of backends) {
    server.close()
    server.closeAllConnections()
  }
  await listener.close()
  api.close()
  await store.close()
  await run('ip', ['address', 'del', `${podIp}/32`, 'dev', 'lo'])
  rmSync(dir, { recursive: true })
})

interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly trailers: IncomingMessage['trailers']
  readonly text: string
  /** The connection is one of before. */
  readonly reused: boolean
}

interface Call extends Pick<RequestOptions, 'agent' | 'maxHeaderSize'> {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Readable
}

async function call(path: string, { method = 'GET', headers = {}, body, ...more }: Call = {}): Promise<Answered> {
  const { certPem: cert, keyPem: key } = client
  const options = {
    host: '127.0.0.1',
    port: listener.port,
    path,
    method,
    headers,
    cert,
    key,
    rejectUnauthorized: false,
    ...more,
  }
  const outgoing = request(options)
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve)
    outgoing.on('error', reject)
    if (body) pipeline(body, outgoing).catch(reject)
    else outgoing.end()
  })
  const text = (await buffer(incoming)).toString()
  const { statusCode: status = 0, trailers } = incoming
  return { status, headers: incoming.headers, trailers, text, reused: outgoing.reusedSocket }
}

test.each([
  ['a Service by the name of its port', `${services}/web:http/proxy/x?y=1`],
  ['a Service by its number', `${services}/web:80/proxy/x?y=1`],
  ['a Service over TLS', `${services}/https:web:tls/proxy/x?y=1`],
  ['a pod at its first port', '/api/v1/namespaces/demo/pods/web-0/proxy/x?y=1'],
  ['a pod at another port', '/api/v1/namespaces/demo/pods/https:web-0:8443/proxy/x?y=1'],
  ['a port of a node', '/api/v1/nodes/node-1:8080/proxy/x?y=1'],
])('%s', async (_, path) => {
  expect(JSON.parse((await call(path)).text)).toMatchObject({ method: 'GET', url: '/x?y=1' })
})

test("a node's agent is asked with the server's own certificate", async () => {
  expect((await call('/api/v1/nodes/node-1/proxy/healthz')).text).toBe('agent /healthz')
  expect((await call('/api/v1/nodes/node-1:10250/proxy/metrics')).text).toBe('agent /metrics')
})

test.each(['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])('%s passes', async (method) => {
  expect(JSON.parse((await call(`${services}/web:http/proxy/`, { method })).text)).toMatchObject({ method, url: '/' })
})

test('HEAD has headers and no body', async () => {
  const { status, headers, text } = await call(`${services}/web:http/proxy/page`, { method: 'HEAD' })
  expect([status, headers['content-type'], text]).toEqual([200, 'text/html; charset=utf-8', ''])
})

test('the backend sees where it is seen, and no credentials', async () => {
  const headers = {
    authorization: 'Basic x',
    'impersonate-user': 'boss',
    'impersonate-group': 'system:masters',
    'x-own': 'kept',
    connection: 'x-hop',
    'x-hop': '1',
  }
  const { text } = await call(`${services}/web:http/proxy/x`, { headers: { ...headers, host: 'api.example' } })
  const seen = (JSON.parse(text) as { headers: Record<string, string> }).headers
  expect(seen).toMatchObject({
    'x-own': 'kept',
    host: 'api.example',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-uri': `${services}/web:http/proxy/x`,
  })
  for (const name of ['authorization', 'impersonate-user', 'impersonate-group', 'x-hop'])
    expect(seen).not.toHaveProperty(name)
})

test.each(['GET', 'HEAD'])('a bare /proxy leads %s to the page with the slash', async (method) => {
  const { status, headers } = await call(`${services}/web:http/proxy?a=1`, { method })
  expect([status, headers.location]).toEqual([301, `${services}/web:http/proxy/?a=1`])
})

test('POST to a bare /proxy reaches the root', async () => {
  const { text } = await call(`${services}/web:http/proxy`, { method: 'POST' })
  expect(JSON.parse(text)).toMatchObject({ method: 'POST', url: '/' })
})

test('links and redirects lead through the proxy again; cookies stay apart', async () => {
  const prefix = `${services}/web:http/proxy`
  const page = await call(`${prefix}/page`)
  expect(page.text).toBe(`<a href="${prefix}/next">caf\u00e9</a>`)
  expect(page.headers['set-cookie']).toEqual(['a=1', 'b=2'])
  const moved = await call(`${prefix}/moved`)
  expect([moved.status, moved.headers.location]).toEqual([302, `${prefix}/elsewhere/`])
})

test.each(Object.keys(encoders))('links of a page in %s are rewritten', async (encoding) => {
  const prefix = `${services}/web:http/proxy`
  const { text, headers } = await call(`${prefix}/encoded`, { headers: { 'x-encoding': encoding } })
  expect([text, headers['content-encoding']]).toEqual([`<a href="${prefix}/next">next</a>`, undefined])
})

test.each(['gzip', 'deflate', 'br', 'zstd'])('a page in %s may turn out to be empty', async (encoding) => {
  const path = `${services}/web:http/proxy/nothing`
  for (const method of ['GET', 'HEAD']) {
    expect(await call(path, { method, headers: { 'x-encoding': encoding } })).toMatchObject({ status: 200, text: '' })
  }
})

test.each([
  ['/empty', 200],
  ['/unchanged', 304],
])('%s has nothing to unpack, and its connection goes on', async (path, status) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (path: string) => call(`${services}/web:http/proxy${path}`, { agent })
  expect(await ask(path)).toMatchObject({ status, text: '' })
  expect((await ask('/x')).reused).toBe(true)
  agent.destroy()
})

test('no backend says which pages of other origins may read through the proxy', async () => {
  const { headers } = await call(`${services}/web:http/proxy/shared`)
  const names = Object.keys(headers).filter((name) => name.startsWith('access-control-'))
  expect(names).toEqual(['access-control-max-age'])
})

test.each([
  ['/x', 'no-cache, private'],
  ['/cached', 'no-cache, private, max-age=60'],
])('the answer to %s is named and kept as one of the API', async (path, caching) => {
  const { headers } = await call(`${services}/web:http/proxy${path}`, { headers: { 'audit-id': 'mine' } })
  expect([headers['audit-id'], headers['cache-control']]).toEqual(['mine', caching])
})

test('trailers pass', async () => {
  const { text, trailers } = await call(`${services}/web:http/proxy/trailers`, { headers: { te: 'trailers' } })
  expect([text, trailers]).toEqual(['whole', { 'x-sum': 'trailers' }])
})

test('long headers of a backend pass', async () => {
  const { headers } = await call(`${services}/web:http/proxy/headers`, { maxHeaderSize: 1_000_000 })
  expect(headers['x-long']?.length).toBe(100_000)
})

test('bodies of any size stream both ways', async () => {
  const piece = randomBytes(64 * 1024)
  const pieces = () => Readable.from(Array.from({ length: 200 }, () => piece))
  const { text } = await call(`${services}/web:http/proxy/digest`, { method: 'POST', body: pieces() })
  expect(text).toBe(await digest(pieces()))
  expect(Number((await call(`${services}/web:http/proxy/large`)).headers['content-length'])).toBe(1_000_000)
})

test('an upload may take longer than a request to the API itself', async () => {
  const slowly = () =>
    Readable.from(
      (async function* () {
        yield Buffer.from('a')
        await new Promise((resolve) => setTimeout(resolve, 1.5 * bodyTimeoutMs))
        yield Buffer.from('b')
      })(),
    )
  const { text } = await call(`${services}/web:http/proxy/digest`, { method: 'POST', body: slowly() })
  expect(text).toBe(await digest(Readable.from([Buffer.from('ab')])))
  const post = call('/api/v1/namespaces/demo/configmaps', { method: 'POST', body: slowly() })
  await expect(post).rejects.toThrow(/socket hang up|ECONNRESET/)
})

test('an answer that has only begun is there already', async () => {
  const { certPem: cert, keyPem: key } = client
  const options = { host: '127.0.0.1', port: listener.port, path: `${services}/web:http/proxy/slow`, cert, key }
  await new Promise<void>((resolve, reject) => {
    const outgoing = request({ ...options, rejectUnauthorized: false }, (incoming) => {
      expect(incoming.statusCode).toBe(200)
      incoming.on('error', () => {})
      outgoing.destroy()
      resolve()
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
})

test('WebSockets pass', async () => {
  const { certPem: cert, keyPem: key } = client
  const url = `wss://127.0.0.1:${listener.port}${services}/web:http/proxy/echo`
  const socket = new WebSocket(url, { cert, key, rejectUnauthorized: false })
  const said = new Promise<string>((resolve, reject) => {
    socket.on('message', (data: Buffer) => resolve(data.toString()))
    socket.on('error', reject)
  })
  socket.on('open', () => socket.send('hello'))
  expect(await said).toBe('hello')
  socket.close()
})

test.each([
  ['refuses', `${services}/web:http/proxy/other`, 400],
  ['does not understand', `${services}/https:web:tls/proxy/x`, 500],
])('a WebSocket that the backend %s is told so', async (_, path, status) => {
  const { certPem: cert, keyPem: key } = client
  const socket = new WebSocket(`wss://127.0.0.1:${listener.port}${path}`, { cert, key, rejectUnauthorized: false })
  const error = await new Promise<Error>((resolve) => {
    socket.on('error', resolve)
  })
  expect(error.message).toContain(String(status))
})

test.each([
  ['no endpoints', `${services}/empty:http/proxy/`, 503, 'no endpoints available for service "empty:http"'],
  [
    'an endpoint that is no pod',
    `${services}/forged:http/proxy/`,
    503,
    'no endpoints available for service "forged:http"',
  ],
  ['a port nobody has', `${services}/web:82/proxy/`, 503, 'no service port 82 found for service "web"'],
  ['no such Service', `${services}/nobody/proxy/`, 404, 'services "nobody" not found'],
  ['no such pod', '/api/v1/namespaces/demo/pods/nobody/proxy/', 404, 'pods "nobody" not found'],
  ['no such node', '/api/v1/nodes/nobody/proxy/', 404, 'nodes "nobody" not found'],
  ['a node that says it is the server itself', '/api/v1/nodes/loopback:8080/proxy/', 400, 'address not allowed'],
  ['no such form', `${services}/a:b:c:d/proxy/`, 400, 'invalid service request "a:b:c:d"'],
  [
    'nobody listens',
    `${services}/web:dead/proxy/`,
    503,
    `error trying to reach service: dial tcp ${podIp}:9: connect: connection refused`,
  ],
  [
    'https where http is spoken',
    `${services}/https:web:http/proxy/`,
    503,
    'error trying to reach service: http: server gave HTTP response to HTTPS client',
  ],
])('%s', async (_, path, status, message) => {
  const answer = await call(path)
  expect(JSON.parse(answer.text)).toMatchObject({ kind: 'Status', code: status, message })
  expect(answer.status).toBe(status)
})
