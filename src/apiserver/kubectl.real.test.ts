/** The real kubectl's reads and writes against the server over TLS. Needs loopback only. */
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestKubectl, type TestKubectl } from './test-kubectl.ts'
import { until } from './test-server.ts'

let kubectl: TestKubectl
beforeAll(async () => {
  kubectl = await startTestKubectl()
})
afterAll(() => kubectl[Symbol.asyncDispose]())

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

test('apply --server-side: create, change, conflict, force, diff, and back from client-side apply', async () => {
  const apply = (manifest: object, ...more: string[]) => kubectl.withFile(manifest, 'apply', '--server-side', ...more)
  expect((await apply(deployment('i:1', 2))).stdout).toBe('deployment.apps/web serverside-applied\n')
  await kubectl.run('scale', 'deployment', 'web', '--replicas=5')
  expect((await apply(deployment('i:2', 2))).stderr).toContain(
    'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
  )
  expect((await apply(deployment('i:2', 2), '--force-conflicts')).code).toBe(0)
  // Who does not speak of the replicas any more leaves them to whoever scales.
  await kubectl.run('scale', 'deployment', 'web', '--replicas=3')
  expect((await apply(deployment('i:3'), '--force-conflicts')).code).toBe(0)
  const { stdout } = await kubectl.run('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas} {..image}')
  expect(stdout).toBe('3 i:3')
  expect((await kubectl.withFile(deployment('i:4'), 'diff', '--server-side', '--force-conflicts')).stdout).toMatch(
    /-\s+- image: i:3\n\+\s+- image: i:4/,
  )
  expect((await kubectl.withFile(deployment('i:5'), 'apply')).stdout).toBe('deployment.apps/web configured\n')
  expect((await apply(deployment('i:6'))).stdout).toBe('deployment.apps/web serverside-applied\n')
})

test('get in pages shows all, and -w shows what happens', async () => {
  const create = (name: string) =>
    kubectl.https.api.request('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name } })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name)
  const { stdout } = await kubectl.run('get', 'configmaps', '--chunk-size=2', '-o', 'name')
  expect(stdout.trim().split('\n')).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => `configmap/${name}`))
  const watching = spawn('kubectl', ['get', 'configmaps', '-w', '--output-watch-events'], { env: kubectl.environment })
  let seen = ''
  watching.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString()
  })
  try {
    await until('the list', () => /ADDED\s+e\s/.test(seen))
    await create('f')
    await kubectl.https.api.request('DELETE', '/api/v1/namespaces/default/configmaps/a')
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
  expect((await kubectl.withFile(config, 'create')).code).toBe(0)
  expect((await kubectl.withFile({ ...config, data: { a: '2' } }, 'replace')).stdout).toBe('configmap/one replaced\n')
  const waiting = kubectl.run('wait', 'configmap/one', '--for=jsonpath={.data.a}=3', '--timeout=10s')
  await kubectl.run('patch', 'configmap', 'one', '--type=merge', '-p', '{"data":{"a":"3"}}')
  expect((await waiting).stdout).toBe('configmap/one condition met\n')
  expect((await kubectl.run('delete', 'configmaps', '-l', 'x=y')).stdout).toContain('configmap "one" deleted')
  expect((await kubectl.run('get', 'configmap', 'one')).stderr).toBe(
    'Error from server (NotFound): configmaps "one" not found\n',
  )
})

async function explain(name: string, ...more: string[]): Promise<void> {
  const { code, stderr, stdout } = await kubectl.run('explain', name, '--recursive', ...more)
  expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
  expect(stdout).toContain('KIND:')
}

test('explain tells the fields of a kind of every group and version', async () => {
  const { stdout } = await kubectl.run('api-resources', '--no-headers')
  const kinds = stdout.split('\n').map((line) => line.split(/\s+/))
  const firsts = new Map(kinds.reverse().map(([name = '', ...more]) => [more.at(-3) ?? '', name]))
  firsts.delete('')
  expect(firsts.size).toBeGreaterThan(10)
  // Of a name that two groups have, kubectl takes the group for a field.
  for (const [apiVersion, name] of firsts) await explain(name, `--api-version=${apiVersion}`)
})

test.each(['pods', 'deployments.apps', 'csidrivers.storage.k8s.io'])('explain %s out of OpenAPI v2', (name) =>
  explain(name, '--output=plaintext-openapiv2'),
)
