/** The real kubectl's reads and writes against the server over TLS. Needs loopback only. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../lib/exec.ts'
import { type HttpsTestServer, startHttpsTestServer } from './test-https.ts'
import { until } from './test-server.ts'

const dir = mkdtempSync(join(tmpdir(), 'apiserver-kubectl-'))
const environment = { KUBECONFIG: join(dir, 'kubeconfig'), HOME: dir, PATH: process.env['PATH'] ?? '' }
let https: HttpsTestServer

beforeAll(async () => {
  https = await startHttpsTestServer()
  const { ca, cert, key } = https.credentials
  const data = (pem: string) => Buffer.from(pem).toString('base64')
  const server = { server: `https://127.0.0.1:${https.port}`, 'certificate-authority-data': data(ca) }
  const user = { 'client-certificate-data': data(cert), 'client-key-data': data(key) }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: server }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
  writeFileSync(environment.KUBECONFIG, JSON.stringify(config))
})
afterAll(async () => {
  await https[Symbol.asyncDispose]()
  rmSync(dir, { recursive: true })
})

function kubectl(...args: string[]) {
  return run('kubectl', args, { env: environment, timeoutMs: 30_000 })
}

function deployment(image: string, replicas?: number) {
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image, ports: [{ containerPort: 80 }] }] },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { ...(replicas !== undefined && { replicas }), selector: { matchLabels: { app: 'web' } }, template },
  }
}

function withFile(manifest: object, ...args: string[]) {
  return run('kubectl', [...args, '-f', '-'], { env: environment, input: JSON.stringify(manifest), timeoutMs: 30_000 })
}

test('apply --server-side: create, change, conflict, force, diff, and back from client-side apply', async () => {
  const apply = (manifest: object, ...more: string[]) => withFile(manifest, 'apply', '--server-side', ...more)
  expect((await apply(deployment('i:1', 2))).stdout).toBe('deployment.apps/web serverside-applied\n')
  await kubectl('scale', 'deployment', 'web', '--replicas=5')
  expect((await apply(deployment('i:2', 2))).stderr).toContain(
    'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
  )
  expect((await apply(deployment('i:2', 2), '--force-conflicts')).code).toBe(0)
  // Who does not speak of the replicas any more leaves them to whoever scales.
  await kubectl('scale', 'deployment', 'web', '--replicas=3')
  expect((await apply(deployment('i:3'), '--force-conflicts')).code).toBe(0)
  const { stdout } = await kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas} {..image}')
  expect(stdout).toBe('3 i:3')
  expect((await withFile(deployment('i:4'), 'diff', '--server-side', '--force-conflicts')).stdout).toMatch(
    /-\s+- image: i:3\n\+\s+- image: i:4/,
  )
  expect((await withFile(deployment('i:5'), 'apply')).stdout).toBe('deployment.apps/web configured\n')
  expect((await apply(deployment('i:6'))).stdout).toBe('deployment.apps/web serverside-applied\n')
})

test('get in pages shows all, and -w shows what happens', async () => {
  const create = (name: string) =>
    https.api.request('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name } })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name)
  const { stdout } = await kubectl('get', 'configmaps', '--chunk-size=2', '-o', 'name')
  expect(stdout.trim().split('\n')).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `configmap/${name}`))
  const watching = spawn('kubectl', ['get', 'configmaps', '-w', '--output-watch-events'], { env: environment })
  let seen = ''
  watching.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString()
  })
  try {
    await until('the list', () => /ADDED\s+e\s/.test(seen))
    await create('f')
    await https.api.request('DELETE', '/api/v1/namespaces/default/configmaps/a')
    await until('the changes', () => /ADDED\s+f\s+0/.test(seen) && /DELETED\s+a\s+0/.test(seen))
  } finally {
    watching.kill()
  }
})

test('wait, replace and delete by label do what they say', async () => {
  const config = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'one', labels: { x: 'y' } },
    data: { a: '1' },
  }
  expect((await withFile(config, 'create')).code).toBe(0)
  expect((await withFile({ ...config, data: { a: '2' } }, 'replace')).stdout).toBe('configmap/one replaced\n')
  const waiting = kubectl('wait', 'configmap/one', '--for=jsonpath={.data.a}=3', '--timeout=10s')
  await kubectl('patch', 'configmap', 'one', '--type=merge', '-p', '{"data":{"a":"3"}}')
  expect((await waiting).stdout).toBe('configmap/one condition met\n')
  expect((await kubectl('delete', 'configmaps', '-l', 'x=y')).stdout).toContain('configmap "one" deleted')
  expect((await kubectl('get', 'configmap', 'one')).stderr).toBe(
    'Error from server (NotFound): configmaps "one" not found\n',
  )
})
