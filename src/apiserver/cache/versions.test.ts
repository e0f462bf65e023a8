import { expect, test } from 'vitest'
import { startTestServer, until } from '../test-server.ts'

const modern = '/apis/events.k8s.io/v1/namespaces/default/events'
const core = '/api/v1/namespaces/default/events'
const event = {
  metadata: { name: 'web.1' },
  eventTime: '2026-11-21T00:00:00.000000Z',
  regarding: { kind: 'Pod', namespace: 'default', name: 'web' },
  reportingController: 'example.com/controller',
  reportingInstance: 'controller-0',
  action: 'Binding',
  reason: 'Scheduled',
  note: 'It was.',
  type: 'Normal',
}

test('an Event of one version is there in the other, to get, list, watch and delete', async () => {
  await using server = await startTestServer()
  const watches = await Promise.all([server.watch(`${core}?watch=true`), server.watch(`${modern}?watch=true`)])
  const created = await server.request('POST', modern, event)
  expect(created.status).toBe(201)
  expect(created.body).toMatchObject({ apiVersion: 'events.k8s.io/v1', kind: 'Event', note: 'It was.' })
  const seen = await server.request('GET', `${core}/web.1`)
  expect(seen.body).toMatchObject({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { resourceVersion: created.body.metadata?.['resourceVersion'], uid: created.body.metadata?.['uid'] },
    involvedObject: { name: 'web' },
    message: 'It was.',
    reportingComponent: 'example.com/controller',
  })
  const [inCore, inModern] = watches
  await until('both watches tell', () => inCore.events.length > 0 && inModern.events.length > 0)
  expect(inCore.events[0]).toMatchObject({ type: 'ADDED', object: { apiVersion: 'v1', message: 'It was.' } })
  expect(inModern.events[0]).toMatchObject({
    type: 'ADDED',
    object: { apiVersion: 'events.k8s.io/v1', note: 'It was.' },
  })
  const selected = `${modern}?fieldSelector=regarding.name%3Dweb`
  expect((await server.request('GET', selected)).body['items']).toMatchObject([{ note: 'It was.' }])
  const old = await server.request(
    'GET',
    `${modern}?resourceVersion=${String(seen.body.metadata?.['resourceVersion'])}&resourceVersionMatch=Exact`,
  )
  expect(old.body['items']).toMatchObject([{ note: 'It was.' }])
  await server.request('DELETE', `${core}/web.1`)
  expect((await server.request('GET', `${modern}/web.1`)).status).toBe(404)
  for (const { stop } of watches) stop()
})

test('a patch in one version keeps what only the other shows; one that changes nothing is no write', async () => {
  await using server = await startTestServer()
  await server.request('POST', modern, event)
  const patch = (body: object) =>
    server.request('PATCH', `${modern}/web.1`, body, { 'content-type': 'application/merge-patch+json' })
  const series = { count: 2, lastObservedTime: '2026-11-21T00:00:01.000000Z' }
  const first = await patch({ series })
  expect(first).toMatchObject({ status: 200, body: { series, note: 'It was.' } })
  const again = await patch({ series })
  expect(again.body.metadata?.['resourceVersion']).toBe(first.body.metadata?.['resourceVersion'])
  expect((await patch({ note: 'Another.' })).body.message).toContain(
    'message: Invalid value: "Another.": field is immutable',
  )
})

test('an Event of events.k8s.io says more', async () => {
  await using server = await startTestServer()
  const { eventTime: _, ...without } = event
  const { status, body } = await server.request('POST', modern, { ...without, type: 'Odd', deprecatedCount: 3 })
  expect(status).toBe(422)
  expect(body.message).toBe(
    'Event.events.k8s.io "web.1" is invalid: [eventTime: Required value, type: Invalid value: "": has invalid value: Odd, count: Invalid value: "": needs to be unset]',
  )
})

test('autoscalers of v1 are those of v2', async () => {
  await using server = await startTestServer()
  const path = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  const spec = { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 60 }
  expect((await server.request('POST', path('v1'), { metadata: { name: 'web' }, spec })).status).toBe(201)
  const { body } = await server.request('GET', `${path('v2')}/web`)
  const resource = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } }
  expect(body['spec']).toMatchObject({ minReplicas: 1, maxReplicas: 3, metrics: [{ type: 'Resource', resource }] })
  const list = await server.request('GET', path('v1'))
  expect(list.body).toMatchObject({
    apiVersion: 'autoscaling/v1',
    items: [{ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 60 } }],
  })
  const groups = await server.request('GET', '/apis/autoscaling')
  expect(groups.body).toMatchObject({ preferredVersion: { version: 'v2' } })
})
