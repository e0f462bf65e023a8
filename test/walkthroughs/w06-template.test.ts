import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { example, startCluster, type TestCluster } from '../harness.ts'

let cluster: TestCluster
beforeAll(async () => {
  cluster = await startCluster('--nodes', '3')
})
afterAll(() => cluster?.down())

async function applied(env: Readonly<Record<string, string>>): Promise<string> {
  const result = await run('sh', ['-c', `envsubst <${example('template.yaml')} | kubectl apply -f -`], { env })
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return result.stdout
}

test('W06 a filled template is created, then unchanged, then configured', async () => {
  expect(await applied({ NAME: 'shop', PORT: '8080' })).toBe('service/shop created\n')
  expect(await applied({ NAME: 'shop', PORT: '8080' })).toBe('service/shop unchanged\n')
  expect(await applied({ NAME: 'shop', PORT: '8081' })).toBe('service/shop configured\n')
  expect(await applied({ NAME: 'shop', PORT: '8081' })).toBe('service/shop unchanged\n')
  const shown = await cluster.kubectl('get', 'svc', 'shop', '-o', 'wide', '--no-headers')
  expect(shown).toMatch(/^shop +ClusterIP +10\.\d+\.\d+\.\d+ +<none> +8081\/TCP +\S+ +app=shop$/m)
})

test('W06 the next name is a Service of its own, and deleting takes the same text', async () => {
  expect(await applied({ NAME: 'office', PORT: '80' })).toBe('service/office created\n')
  const pipe = `envsubst <${example('template.yaml')} | kubectl delete -f -`
  const deleted = await run('sh', ['-c', pipe], { env: { NAME: 'office', PORT: '80' } })
  expect(deleted.stdout).toMatch(/^service "office" deleted/)
  expect(await cluster.kubectl('get', 'svc', '-o', 'name')).toBe('service/kubernetes\nservice/shop\n')
})

test('W06 a hole that was not filled is refused, and nothing is stored', async () => {
  const pipe = `env -u PORT NAME=shop envsubst <${example('template.yaml')} | kubectl apply -f -`
  const result = await run('sh', ['-c', pipe])
  expect(result.code).toBe(1)
  expect(result.stderr).toContain('spec.ports')
  expect(await cluster.kubectl('get', 'svc', 'shop', '-o', 'jsonpath={.spec.ports[0].port}')).toBe('8081')
})
