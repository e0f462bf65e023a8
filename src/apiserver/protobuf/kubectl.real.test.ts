/** kubectl's typed commands write and read protobuf: what they show is what they show of JSON. Needs loopback only. */
import { execFile } from 'node:child_process'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer, until } from '../test-server.ts'

const protobuf = 'application/vnd.kubernetes.protobuf'
const user = { name: 'kubernetes-admin', groups: ['system:masters'] }

interface Relay {
  readonly url: string
  /** Methods and media types of bodies and answers that were protobuf. */
  readonly spoken: string[]
  readonly server: Server
}

let api: TestServer
let plain: Relay
let typed: Relay
beforeAll(async () => {
  api = await startTestServer()
  plain = await relay({ accept: 'application/json' })
  typed = await relay({})
  await api.request('POST', '/api/v1/nodes', { metadata: { name: 'n1' } })
  await api.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
})
afterAll(async () => {
  for (const { server } of [plain, typed]) {
    server.closeAllConnections()
    server.close()
  }
  await api[Symbol.asyncDispose]()
})

/** The server behind HTTP; `overruled` are headers it sees instead of the client's. */
async function relay(overruled: Record<string, string>): Promise<Relay> {
  const spoken: string[] = []
  const server = createServer((request, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    void (async () => {
      const asked = { ...(await requestOf(request, overruled)), signal: gone.signal }
      const answer = await api.server.handle(asked, user)
      if (request.headers['content-type'] === protobuf) spoken.push(`${request.method} body`)
      if (answer.headers['content-type'] === protobuf) spoken.push(`${request.method} answer`)
      if (answer.headers['content-type'] === `${protobuf};stream=watch`) spoken.push('watch')
      response.writeHead(answer.status, answer.headers).flushHeaders()
      for await (const chunk of answer.body) response.write(chunk)
      response.end()
    })()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spoken, server }
}

async function requestOf(request: IncomingMessage, overruled: Record<string, string>) {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { method = 'GET', url: path = '/' } = request
  const headers = { ...(request.headers as Record<string, string>), ...overruled }
  return { method, path, headers, ...(chunks.length > 0 && { body: Buffer.concat(chunks) }) }
}

const env = { ...process.env, KUBECONFIG: '/dev/null' }

async function kubectl({ url }: Relay, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('kubectl', ['--server', url, ...args], { env })
  return stdout
}

/** By what `describe` calls them: how they are created. With one key each: it lists several in any order. */
const objects: readonly (readonly [string, string])[] = [
  ['namespace/demo', 'create namespace demo'],
  ['configmap/c', 'create configmap c --from-literal=k=v'],
  ['secret/s', 'create secret generic s --from-literal=user=admin'],
  ['service/web', 'create service clusterip web --tcp=80:8080 --tcp=443:https'],
  ['service/np', 'create service nodeport np --tcp=80 --node-port=30080'],
  ['service/en', 'create service externalname en --external-name=example.com'],
  ['deployment/d', 'create deployment d --image=nginx --replicas=0 --port=80'],
  ['job/j', 'create job j --image=busybox -- echo hi'],
  ['ingress/i', 'create ingress i --rule=foo.com/bar*=web:80,tls=t'],
  ['role/r', 'create role r --verb=get --resource=pods'],
  ['clusterrolebinding/b', 'create clusterrolebinding b --clusterrole=view --user=x'],
]

test.each(objects)('%s', async (name, command) => {
  await kubectl(typed, ...command.split(' '))
  expect(typed.spoken.splice(0)).toEqual(['POST body', 'POST answer'])
  const seen = await kubectl(typed, 'describe', name)
  expect(typed.spoken.splice(0)).toContain('GET answer')
  expect(seen).toBe(await kubectl(plain, 'describe', name))
})

const container = {
  name: 'c',
  image: 'nginx',
  ports: [
    { name: 'http', containerPort: 80 },
    { containerPort: 53, protocol: 'UDP' },
  ],
  env: [
    { name: 'A', value: 'b' },
    { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
    { name: 'KEY', valueFrom: { secretKeyRef: { name: 's', key: 'user', optional: true } } },
  ],
  resources: { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '0.1' } },
  livenessProbe: { httpGet: { path: '/', port: 'http' }, initialDelaySeconds: 3 },
  volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }],
}
const pod = {
  metadata: { name: 'p', labels: { app: 'web' }, annotations: { note: 'zwölf' } },
  spec: {
    nodeName: 'n1',
    containers: [container],
    volumes: [{ name: 'v', configMap: { name: 'c', optional: true, items: [{ key: 'k', path: 'p' }] } }],
    tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 0 }],
    nodeSelector: { zone: 'a' },
  },
}

test('a pod, and a copy that kubectl makes of it', async () => {
  await api.request('POST', '/api/v1/namespaces/default/pods', pod)
  const seen = await kubectl(typed, 'describe', 'pod/p')
  expect(seen).toBe(await kubectl(plain, 'describe', 'pod/p'))
  expect(seen).toContain('Liveness:')
  const keep = ['annotations', 'liveness'].map((what) => `--keep-${what}`)
  await kubectl(typed, 'debug', 'p', '--copy-to=copy', '--image=busybox', '-c=d', '--attach=false', '-q', ...keep)
  const { body } = await api.request('GET', '/api/v1/namespaces/default/pods/copy')
  expect(body['metadata']).toMatchObject({ annotations: pod.metadata.annotations })
  const original = (await api.request('GET', '/api/v1/namespaces/default/pods/p')).body['spec'] as typeof pod.spec
  const copied = body['spec'] as typeof pod.spec
  expect(copied.containers[0]).toEqual(original.containers[0])
  expect(copied.tolerations).toEqual(original.tolerations)
  expect(copied.volumes).toEqual(original.volumes)
})

describe.each(['false', 'true'])('with KUBE_FEATURE_WatchListClient=%s', (watchList) => {
  test('kubectl run follows its pod', async () => {
    const name = `follow-${watchList}`
    const args = ['--server', typed.url, 'run', name, '--image=busybox', '--restart=Never', '--attach', '-q']
    typed.spoken.length = 0
    const follows = promisify(execFile)('kubectl', args, {
      env: { ...env, KUBE_FEATURE_WatchListClient: watchList },
      timeout: 20_000,
    })
    await until('a watch', () => typed.spoken.includes('watch'))
    expect(typed.spoken.includes('GET answer')).toBe(watchList === 'false')
    const done = { status: { phase: 'Succeeded' } }
    const type = { 'content-type': 'application/merge-patch+json' }
    await api.request('PATCH', `/api/v1/namespaces/default/pods/${name}/status`, done, type)
    await follows
  })
})
