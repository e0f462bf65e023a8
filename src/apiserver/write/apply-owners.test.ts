import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ApplyTest,
  configMaps,
  deployments,
  managedFieldsOf,
  mergePatch,
  services,
  startApplyTest,
} from './apply.fixture.ts'

let t: ApplyTest
beforeAll(async () => {
  t = await startApplyTest()
})
afterAll(() => t[Symbol.asyncDispose]())

describe('status', () => {
  test('is applied through its own endpoint, and only there', async () => {
    await t.api.request('POST', '/api/v1/nodes', { metadata: { name: 'n' } })
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { unschedulable: true } }
    const condition = { type: 'Ready', status: 'True', reason: 'R', message: '' }
    const times = { lastHeartbeatTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' }
    const status = { conditions: [{ ...condition, ...times }] }
    const { body } = await t.apply('/api/v1/nodes/n/status', { ...node, status })
    expect(body).toMatchObject({ status: { conditions: [{ type: 'Ready' }] } })
    expect(body['spec']).not.toMatchObject({ unschedulable: true })
    const [entry] = managedFieldsOf(body)
    expect(entry).toMatchObject({
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:conditions': expect.anything() } },
    })
    expect(entry?.fieldsV1).not.toHaveProperty('f:spec')
    expect((await t.apply('/api/v1/nodes/none/status', { ...node, metadata: { name: 'none' } })).status).toBe(404)
  })
})

describe('an object of several versions', () => {
  const autoscaler = (apiVersion: string, spec: object) => ({
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'h' },
    spec: { maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, ...spec },
  })
  const at = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/h`
  const target = (averageUtilization: number) => ({ type: 'Utilization', averageUtilization })
  const byMetrics = (percent: number) =>
    autoscaler('autoscaling/v2', {
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: target(percent) } }],
    })

  test('has owners who know it by any of them', async () => {
    const percent = autoscaler('autoscaling/v1', { targetCPUUtilizationPercentage: 50 })
    expect((await t.apply(at('v1'), percent, { as: 'old' })).status).toBe(201)
    expect((await t.apply(at('v2'), byMetrics(60), { as: 'new' })).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "old": .spec.targetCPUUtilizationPercentage',
    )
    expect((await t.apply(at('v2'), byMetrics(60), { as: 'new', query: '&force=true' })).status).toBe(200)
    const shared = { 'f:maxReplicas': {} }
    expect(await t.owners(at('v1'))).toEqual({
      'Apply new': {
        'f:spec': {
          ...shared,
          'f:metrics': {},
          'f:scaleTargetRef': { 'f:apiVersion': {}, 'f:kind': {}, 'f:name': {} },
        },
      },
      'Apply old': { 'f:spec': { ...shared, 'f:scaleTargetRef': {} } },
    })
  })
})

describe('a scale', () => {
  const path = `${deployments}/scaled`
  const scale = (replicas: unknown, more: object = {}) => ({
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'scaled' },
    spec: { replicas },
    ...more,
  })
  const labels = { a: 'b' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const deployment = (spec: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'scaled' },
    spec: { selector: { matchLabels: labels }, template, ...spec },
  })

  test('is applied to what it scales', async () => {
    expect((await t.apply(`${path}/scale`, scale(2))).status).toBe(404)
    await t.apply(path, deployment({ replicas: 1 }))
    expect(await t.apply(`${path}/scale`, scale(2), { as: 'scaler' })).toMatchObject({
      status: 409,
      body: { message: 'Apply failed with 1 conflict: conflict with "a": .spec.replicas' },
    })
    expect(await t.apply(`${path}/scale`, scale(2), { as: 'scaler', query: '&force=true' })).toMatchObject({
      status: 200,
      body: { kind: 'Scale', spec: { replicas: 2 } },
    })
    expect((await t.owners(path))['Apply scaler']).toEqual({ 'f:spec': { 'f:replicas': {} } })
    expect((await t.apply(path, deployment({ replicas: 3 }))).body.message).toBe(
      'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale": .spec.replicas',
    )
    expect((await t.apply(path, deployment({}))).body).toMatchObject({ spec: { replicas: 2 } })
  })

  test.each([
    ['of another type', scale('2'), '.spec.replicas: expected numeric (int or float), got string'],
    [
      'that is another kind',
      { ...scale(2), kind: 'Deployment' },
      'invalid object type: autoscaling/v1, Kind=Deployment',
    ],
  ])('%s is refused', async (_what, body, message) => {
    const answer = await t.apply(`${path}/scale`, body)
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain(message)
  })
})

describe('managedFields', () => {
  test('begin with the creator, if it says its name as a manager', async () => {
    const web = {
      metadata: { name: 'made', labels: { a: 'b' } },
      spec: { selector: { a: 'b' }, ports: [{ port: 80 }] },
    }
    const { body } = await t.api.request('POST', `${services}?fieldManager=kubectl-create`, web)
    expect(body.metadata?.['managedFields']).toEqual([
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'v1',
        time: expect.any(String),
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
          'f:spec': {
            'f:internalTrafficPolicy': {},
            'f:ports': {
              '.': {},
              'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:protocol': {}, 'f:targetPort': {} },
            },
            'f:selector': {},
            'f:sessionAffinity': {},
            'f:type': {},
          },
        },
      },
    ])
    const conflict = await t.apply(`${services}/made`, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'made' },
      spec: { type: 'NodePort' },
    })
    expect(conflict.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-create" using v1: .spec.type',
    )
  })

  test('are not about a status that the creator sends along', async () => {
    const service = { metadata: { name: 'with-status' }, spec: { ports: [{ port: 80 }] }, status: { conditions: [] } }
    const { body } = await t.api.request('POST', `${services}?fieldManager=creator`, service)
    expect(managedFieldsOf(body)[0]?.fieldsV1).toHaveProperty('f:spec')
    expect(managedFieldsOf(body)[0]?.fieldsV1).not.toHaveProperty('f:status')
  })

  test('of who does not say its name begin with the first apply', async () => {
    const { body } = await t.api.request('POST', configMaps, { metadata: { name: 'unnamed' }, data: { a: '1' } })
    expect(body.metadata).not.toHaveProperty('managedFields')
    const patched = await t.api.request(
      'PATCH',
      `${configMaps}/unnamed?fieldManager=late`,
      { data: { a: '2' } },
      mergePatch,
    )
    expect(patched.body.metadata).not.toHaveProperty('managedFields')
  })

  test('stay through updates of clients that do not know them, and go when asked', async () => {
    const { body } = await t.applyData('mf', { a: '1' })
    const { managedFields: _managedFields, ...metadata } = body.metadata ?? {}
    await t.api.request('PUT', `${configMaps}/mf?fieldManager=put`, { metadata, data: { a: '1', b: '1' } })
    expect(await t.owners(`${configMaps}/mf`)).toEqual({
      'Apply a': { 'f:data': { 'f:a': {} } },
      'Update put': { 'f:data': { 'f:b': {} } },
    })
    await t.api.request('PATCH', `${configMaps}/mf`, { metadata: { managedFields: [{}] } }, mergePatch)
    expect(await t.owners(`${configMaps}/mf`)).toEqual({})
  })

  test('may be rewritten by who knows them', async () => {
    const { body } = await t.applyData('rewrite', { a: '1' })
    const [entry] = managedFieldsOf(body)
    const managedFields = [{ ...entry, manager: 'renamed' }]
    await t.api.request('PATCH', `${configMaps}/rewrite`, { metadata: { managedFields } }, mergePatch)
    expect(Object.keys(await t.owners(`${configMaps}/rewrite`))).toEqual(['Apply renamed'])
  })
})
