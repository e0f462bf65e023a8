import { expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../test-server.ts'

const pods = '/api/v1/namespaces/default/pods'
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
const labels = { app: 'web' }

async function ready(server: TestServer, name: string, status: 'True' | 'False' = 'True') {
  await server.request('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  const spec = { nodeName: 'node-1', containers: [{ name: 'web', image: 'nginx' }] }
  const { body } = await server.request('POST', pods, { metadata: { name, labels }, spec })
  const running = { ...body, status: { phase: 'Running', conditions: [{ type: 'Ready', status }] } }
  await server.request('PUT', `${pods}/${name}/status`, running)
}

/** A budget as its controller leaves it. */
async function budget(server: TestServer, name: string, status: object, spec: object = {}) {
  const { body } = await server.request('POST', budgets, {
    metadata: { name },
    spec: { selector: { matchLabels: labels }, ...spec },
  })
  const counted = { observedGeneration: 1, ...status }
  expect((await server.request('PUT', `${budgets}/${name}/status`, { ...body, status: counted })).status).toBe(200)
}

const evict = (server: TestServer, name: string, more: object = {}) =>
  server.request('POST', `${pods}/${name}/eviction`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: 'default' },
    ...more,
  })

test('a pod without a budget goes, and says why', async () => {
  await using server = await startTestServer()
  await ready(server, 'a')
  expect((await evict(server, 'a')).body).toMatchObject({ status: 'Success', code: 201 })
  const { body } = await server.request('GET', `${pods}/a`)
  expect(body.metadata?.['deletionTimestamp']).toBeDefined()
  expect(body['status']).toMatchObject({
    conditions: [
      { type: 'Ready' },
      { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', observedGeneration: 1 },
    ],
  })
})

test('an Eviction of policy/v1beta1 is taken, of no other version', async () => {
  await using server = await startTestServer()
  await ready(server, 'a')
  const unknown = await evict(server, 'a', { apiVersion: 'policy/v2' })
  expect(unknown.body).toMatchObject({
    code: 400,
    message:
      'Eviction in version "v2" cannot be handled as a Eviction: no kind "Eviction" is registered for version "policy/v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
  })
  expect((await evict(server, 'a', { apiVersion: 'policy/v1beta1' })).body).toMatchObject({ status: 'Success' })
})

test('a budget is spent, and then refuses', async () => {
  await using server = await startTestServer()
  await ready(server, 'a')
  await ready(server, 'b')
  const condition = { type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', message: '' }
  await budget(server, 'web', {
    disruptionsAllowed: 1,
    currentHealthy: 2,
    desiredHealthy: 1,
    conditions: [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }],
  })
  const dryRun = await evict(server, 'a', { deleteOptions: { dryRun: ['All'] } })
  expect(dryRun.status).toBe(201)
  expect((await evict(server, 'a')).status).toBe(201)
  expect((await server.request('GET', `${budgets}/web`)).body['status']).toMatchObject({
    disruptionsAllowed: 0,
    disruptedPods: { a: expect.any(String) },
    conditions: [{ status: 'False', reason: 'InsufficientPods' }],
  })
  const refused = await evict(server, 'b')
  expect(refused.status).toBe(429)
  expect(refused.body).toMatchObject({
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget web needs 1 healthy pods and has 2 currently' },
      ],
    },
  })
})

test('a budget that nobody has counted yet asks for patience', async () => {
  await using server = await startTestServer()
  await ready(server, 'a')
  await budget(server, 'web', { observedGeneration: 0, disruptionsAllowed: 1 })
  const { status, headers, body } = await evict(server, 'a')
  expect([status, headers['retry-after']]).toEqual([429, '10'])
  expect(body).toMatchObject({
    details: { causes: [{ message: 'The disruption budget web is still being processed by the server.' }] },
  })
})

test('two budgets are one too many', async () => {
  await using server = await startTestServer()
  await ready(server, 'a')
  await budget(server, 'one', { disruptionsAllowed: 1 })
  await budget(server, 'two', { disruptionsAllowed: 1 })
  expect(await evict(server, 'a')).toMatchObject({
    status: 500,
    body: {
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    },
  })
})

test('a pod that is not ready may go where its budget is whole, or says so', async () => {
  await using server = await startTestServer()
  await ready(server, 'sick', 'False')
  await budget(server, 'web', { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 })
  expect((await evict(server, 'sick')).status).toBe(429)
  await server.request('DELETE', `${budgets}/web`)
  await budget(server, 'lenient', { disruptionsAllowed: 0 }, { unhealthyPodEvictionPolicy: 'AlwaysAllow' })
  expect((await evict(server, 'sick')).status).toBe(201)
})

test('the names must agree', async () => {
  await using server = await startTestServer()
  await ready(server, 'a')
  expect(await evict(server, 'a', { metadata: { name: 'b' } })).toMatchObject({
    status: 400,
    body: { message: 'name in URL does not match name in Eviction object' },
  })
})
