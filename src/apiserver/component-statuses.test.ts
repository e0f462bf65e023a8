import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { definitions } from '../api/index.ts'
import { openSqliteStore } from '../store/index.ts'
import { createApiServer } from './server.ts'

const dir = mkdtempSync(join(tmpdir(), 'components-'))
const store = openSqliteStore({ path: join(dir, 'store.db') })
const server = createApiServer({
  store,
  definitions,
  settings: { serviceCidrs: ['10.96.0.0/12'], nodePortRange: { from: 1, to: 2 }, clusterDomain: 'cluster.local' },
  components: new Map([
    ['controller-manager', async () => {}],
    ['scheduler', () => Promise.reject(new Error('not read yet: pods'))],
  ]),
})
afterAll(async () => {
  server.close()
  await store.close()
  rmSync(dir, { recursive: true })
})

async function request(method: string, path: string, accept = 'application/json') {
  const user = { name: 'tester', groups: ['system:masters'] }
  const target = `/api/v1/componentstatuses${path}`
  const { status, headers, body } = await server.handle({ method, path: target, headers: { accept } }, user)
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return { status, headers, body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown> }
}

const condition = (status: string, text: object) => [{ type: 'Healthy', status, ...text }]
const healthy = condition('True', { message: 'ok' })

test('every part of the control plane is asked, and the store', async () => {
  const { status, headers, body } = await request('GET', '')
  expect(status).toBe(200)
  expect(headers['warning']).toBe('299 - "v1 ComponentStatus is deprecated in v1.19+"')
  expect(body).toEqual({
    kind: 'ComponentStatusList',
    apiVersion: 'v1',
    metadata: {},
    items: [
      { metadata: { name: 'controller-manager' }, conditions: healthy },
      { metadata: { name: 'scheduler' }, conditions: condition('False', { error: 'not read yet: pods' }) },
      { metadata: { name: 'etcd-0' }, conditions: healthy },
    ],
  })
})

test('one of them, or those that are selected', async () => {
  expect((await request('GET', '/etcd-0')).body).toEqual({
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name: 'etcd-0' },
    conditions: healthy,
  })
  expect(await request('GET', '/nobody')).toMatchObject({
    status: 404,
    body: { message: 'componentstatuses "nobody" not found' },
  })
  const { body } = await request('GET', '?fieldSelector=metadata.name%3Dscheduler')
  expect(body['items']).toEqual([expect.objectContaining({ metadata: { name: 'scheduler' } })])
})

test('kubectl get cs', async () => {
  const { body } = await request('GET', '', 'application/json;as=Table;v=v1;g=meta.k8s.io')
  expect((body['columnDefinitions'] as { name: string }[]).map(({ name }) => name)).toEqual([
    'Name',
    'Status',
    'Message',
    'Error',
  ])
  expect((body['rows'] as { cells: unknown[] }[]).map(({ cells }) => cells)).toEqual([
    ['controller-manager', 'Healthy', 'ok', ''],
    ['scheduler', 'Unhealthy', '', 'not read yet: pods'],
    ['etcd-0', 'Healthy', 'ok', ''],
  ])
})

test.each([
  ['POST', ''],
  ['DELETE', '/etcd-0'],
  ['GET', '?watch=1'],
])('nobody may %s %s', async (method, path) => {
  expect((await request(method, path)).status).toBe(405)
})
