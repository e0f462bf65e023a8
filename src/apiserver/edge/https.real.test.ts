/** The server behind real TLS, and the real kubectl in front of it. Needs loopback only. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, request, type Server } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { definitions } from '../../api/index.ts'
import { run } from '../../lib/exec.ts'
import { createCa, issue, type KeyPair } from '../../lib/pki.ts'
import { openSqliteStore } from '../../store/index.ts'
import { type ApiServer, createApiServer } from '../server.ts'
import { type Listener, type ListenOptions, listenHttps } from './https.ts'

const dir = mkdtempSync(join(tmpdir(), 'apiserver-https-'))
const kubeconfig = join(dir, 'kubeconfig')
let ca: KeyPair
let client: KeyPair
let server: ApiServer
let listening: ListenOptions
let listener: Listener
let agent: Server
let store: ReturnType<typeof openSqliteStore>

beforeAll(async () => {
  ca = await createCa({ commonName: 'test-ca' })
  const serving = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], days: 1 }
  const serverPair = await issue(ca, { commonName: 'server', usage: 'server', ...serving })
  client = await issue(ca, { commonName: 'admin', organizations: ['system:masters'], usage: 'client', days: 1 })
  store = openSqliteStore({ path: join(dir, 'store.db') })
  server = createApiServer({
    store,
    definitions,
    settings: {
      serviceCidrs: ['10.96.0.0/12'],
      nodePortRange: { from: 30000, to: 32767 },
      clusterDomain: 'cluster.local',
    },
    disableAdmissionPlugins: ['ServiceAccount'],
    agents: { certPem: client.certPem, keyPem: client.keyPem, caPem: ca.certPem },
  })
  const { certPem, keyPem } = serverPair
  listening = { host: '127.0.0.1', port: 0, certPem, keyPem, clientCaPem: ca.certPem }
  listener = await listenHttps(server, listening)
  agent = await startAgent(serverPair)
  writeFileSync(kubeconfig, kubeconfigText())
  expect((await kubectl('create', 'namespace', 'default')).stderr).toBe('')
  await kubectl('create', 'configmap', 'large', `--from-literal=text=${'text '.repeat(20_000)}`)
  await kubectl('create', 'configmap', 'larger', `--from-literal=text=${'text '.repeat(20_000)}`)
})

afterAll(async () => {
  await listener.close()
  agent.close()
  agent.closeAllConnections()
  server.close()
  await store.close()
  rmSync(dir, { recursive: true })
})

/** An agent as far as the server needs one: a log, and a session that says what it was asked to run. */
async function startAgent({ certPem, keyPem }: KeyPair): Promise<Server> {
  const https = createServer({
    cert: certPem,
    key: keyPem,
    ca: ca.certPem,
    requestCert: true,
    rejectUnauthorized: true,
  })
  https.on('request', (incoming, response) => response.end(`log of ${incoming.url}\n`))
  const sockets = new WebSocketServer({ server: https, handleProtocols: (offered) => [...offered][0] ?? false })
  sockets.on('connection', (socket, incoming) => {
    const stream = (channel: number, text: string) =>
      socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]))
    stream(1, `ran ${incoming.url}\n`)
    stream(3, JSON.stringify({ metadata: {}, status: 'Success' }))
    socket.close(1000)
  })
  await new Promise<void>((resolve) => {
    https.listen(0, '127.0.0.1', resolve)
  })
  return https
}

function kubeconfigText(): string {
  const data = (pem: string) => Buffer.from(pem).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'c',
        cluster: { server: `https://127.0.0.1:${listener.port}`, 'certificate-authority-data': data(ca.certPem) },
      },
    ],
    users: [
      {
        name: 'u',
        user: { 'client-certificate-data': data(client.certPem), 'client-key-data': data(client.keyPem) },
      },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}

const environment = { KUBECONFIG: kubeconfig, HOME: dir, PATH: process.env['PATH'] ?? '' }

function kubectl(...args: string[]) {
  return run('kubectl', args, { env: environment, timeoutMs: 20_000 })
}

function apply(manifest: object) {
  return run('kubectl', ['apply', '-f', '-'], { env: environment, input: JSON.stringify(manifest), timeoutMs: 20_000 })
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default' },
  spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'busybox' }] },
}

describe('a client', () => {
  const call = (options: object) =>
    new Promise<{ status: number; headers: IncomingHttpHeaders; bytes: Buffer; text: string }>((resolve, reject) => {
      const at = { host: '127.0.0.1', port: listener.port, path: '/api', ca: ca.certPem, agent: false, ...options }
      const outgoing = request(at, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () => {
          const bytes = Buffer.concat(chunks)
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text: bytes.toString() })
        })
      })
      outgoing.on('error', reject)
      outgoing.end((options as { body?: Buffer }).body)
    })
  const credentials = () => ({ cert: client.certPem, key: client.keyPem })

  test('without a certificate is nobody, and told that nobody may', async () => {
    const { status, text } = await call({})
    expect([status, (JSON.parse(text) as { reason: string }).reason]).toEqual([403, 'Forbidden'])
  })

  test('with a certificate of another authority is told 401', async () => {
    const other = await issue(await createCa({ commonName: 'test-ca' }), {
      commonName: 'admin',
      usage: 'client',
      days: 1,
    })
    const headers = { accept: 'application/yaml' }
    const { status, text } = await call({ cert: other.certPem, key: other.keyPem, headers })
    expect(status).toBe(401)
    expect(text).toMatch(/^reason: Unauthorized$/m)
  })

  test('with a body that is too large is told 413', async () => {
    const body = Buffer.alloc(3 * 1024 * 1024 + 1, ' ')
    const path = '/api/v1/namespaces/default/configmaps'
    expect((await call({ ...credentials(), method: 'POST', path, body })).status).toBe(413)
  })

  test('asking for the head gets no body, and no watch', async () => {
    const { status, headers, text } = await call({
      ...credentials(),
      method: 'HEAD',
      path: '/api/v1/namespaces/default',
    })
    expect([status, Number(headers['content-length']) > 0, text]).toEqual([200, true, ''])
    expect(await call({ ...credentials(), method: 'HEAD', path: '/api/v1/pods?watch=1' })).toMatchObject({
      status: 200,
    })
  })

  test.each([
    ['an object', '/api/v1/namespaces/default/configmaps/large', 'no-cache, private'],
    ['an error', '/api/v1/namespaces/default/configmaps/none', 'no-cache, private'],
    ['a watch', '/api/v1/pods?watch=1&timeoutSeconds=1', 'no-cache, private'],
    ['what there is to ask', '/apis', 'public'],
  ])('is told who may keep the answer: %s', async (_, path, expected) => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
    const { headers } = await call({ ...credentials(), path, headers: { accept } })
    expect(headers['cache-control']).toBe(expected)
  })

  test('may use selectors as long as Go servers take them', async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `name-${i}`)
    const path = `/api/v1/pods?labelSelector=${encodeURIComponent(`a in (${names.join(',')})`)}`
    expect((await call({ ...credentials(), path })).status).toBe(200)
  })

  test.each(['/api/v1/namespaces/default/configmaps', '/openapi/v3/apis/apps/v1'])(
    'that accepts gzip gets large answers compressed: %s',
    async (path) => {
      const plain = await call({ ...credentials(), path })
      const small = await call({ ...credentials(), path, headers: { 'accept-encoding': 'gzip' } })
      expect(small.headers).toMatchObject({
        'content-encoding': 'gzip',
        vary: expect.stringContaining('Accept-Encoding'),
      })
      expect(gunzipSync(small.bytes).equals(plain.bytes)).toBe(true)
      expect(small.bytes.length).toBeLessThan(plain.bytes.length / 4)
      const refused = await call({ ...credentials(), path, headers: { 'accept-encoding': 'gzip;q=0, br' } })
      expect(refused.headers['content-encoding']).toBeUndefined()
    },
  )

  test('that never finishes its handshake does not hold up the end of the server', async () => {
    const other = await listenHttps(server, listening)
    const silent = connect(other.port, '127.0.0.1')
    await once(silent, 'connect')
    const cut = once(silent, 'close')
    // Connections are accepted in their order: after this one's answer the server has both.
    await call({ port: other.port })
    await Promise.all([other.close(), cut])
  })

  test('that speaks HTTP without TLS is told so', async () => {
    const plain = connect(listener.port, '127.0.0.1')
    plain.write('GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n')
    let answer = ''
    for await (const chunk of plain.setEncoding('utf8')) answer += chunk
    expect(answer).toBe('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n')
  })

  test('sees a watch begin before anything happens', async () => {
    const path = '/api/v1/secrets?watch=1'
    const outgoing = request({ host: '127.0.0.1', port: listener.port, path, ca: ca.certPem, ...credentials() })
    const status = await new Promise((resolve, reject) => {
      outgoing.on('response', (incoming) => resolve(incoming.statusCode))
      outgoing.on('error', reject)
      outgoing.end()
    })
    expect(status).toBe(200)
    outgoing.destroy()
  })
})

describe('kubectl', () => {
  test('creates, applies, labels, patches, scales, explains and deletes', async () => {
    const config = await kubectl('create', 'configmap', 'a', '--from-literal=x=y')
    expect(config.stdout + config.stderr).toBe('configmap/a created\n')
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 3, selector: { matchLabels: { a: 'b' } }, template },
    }
    expect((await apply(deployment)).stdout).toBe('deployment.apps/web created\n')
    expect((await apply(deployment)).stdout).toBe('deployment.apps/web unchanged\n')
    expect((await kubectl('label', 'cm', 'a', 'l=1')).stdout).toBe('configmap/a labeled\n')
    expect((await kubectl('patch', 'cm', 'a', '-p', '{"data":{"z":"1"}}')).stdout).toBe('configmap/a patched\n')
    expect((await kubectl('scale', 'deploy', 'web', '--replicas=5')).stdout).toBe('deployment.apps/web scaled\n')
    expect((await kubectl('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).stdout).toBe('5')
    expect((await kubectl('explain', 'service.spec.clusterIP')).stdout).toContain('FIELD: clusterIP <string>')
    expect((await kubectl('delete', 'deploy,cm', '--all')).stdout).toContain('configmap "a" deleted')
  })

  test('refuses an unknown field before anything is stored', async () => {
    const bad = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bad', namespace: 'default' }, foo: 1 }
    const { code, stderr } = await apply(bad)
    expect(code).toBe(1)
    expect(stderr).toContain('strict decoding error: unknown field "foo"')
    expect((await kubectl('get', 'cm', 'bad')).stderr).toContain('configmaps "bad" not found')
  })

  test('watches', async () => {
    const watching = spawn('kubectl', ['get', 'sa', '-w'], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      let shown = ''
      const seen = new Promise<void>((resolve) => {
        watching.stdout.on('data', (chunk: Buffer) => {
          shown += chunk.toString()
          if (shown.includes('second')) resolve()
        })
      })
      await kubectl('create', 'sa', 'first')
      await kubectl('create', 'sa', 'second')
      await seen
      expect(shown.split('\n').map((line) => line.split(' ')[0])).toEqual(['NAME', 'first', 'second', ''])
    } finally {
      watching.kill()
    }
  })

  test('reads logs and runs commands through the agent of the node', async () => {
    const port = (agent.address() as AddressInfo).port
    await apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } })
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    }
    await kubectl('patch', 'node', 'node-1', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }))
    expect((await apply(pod)).stderr).toBe('')
    const log = await kubectl('logs', 'p', '--tail=3')
    expect(log.stdout + log.stderr).toBe('log of /containerLogs/default/p/c?tailLines=3\n')
    const exec = await kubectl('exec', 'p', '--', 'echo', 'hi')
    expect(exec.stdout + exec.stderr).toBe('ran /exec/default/p/c?command=echo&command=hi&error=1&output=1\n')
    const wrong = await kubectl('exec', 'p', '-c', 'nope', '--', 'true')
    expect(wrong.stderr).toContain('container nope is not valid for pod p')
  })

  test('is told when the agent of a node does not answer', async () => {
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
    }
    await kubectl('patch', 'node', 'node-1', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }))
    const refused = 'dial tcp 127.0.0.1:1: connect: connection refused'
    expect((await kubectl('exec', 'p', '--', 'true')).stderr).toContain(
      `Internal error occurred: error sending request: Post "https://127.0.0.1:1/exec/default/p/c?command=true&error=1&output=1": ${refused}`,
    )
    expect((await kubectl('logs', 'p')).stderr).toContain(
      `Get "https://127.0.0.1:1/containerLogs/default/p/c": ${refused}`,
    )
  })
})
