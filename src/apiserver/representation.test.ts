/** In which form answers come that are no reads. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './test-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const merge = 'application/merge-patch+json'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
  await api.request('POST', maps, {
    metadata: { name: 'kept' },
    data: { answer: 'yes', since: '2026-11-21T00:00:00Z' },
  })
})
afterAll(() => api[Symbol.asyncDispose]())

const patch = (accept: string) => {
  const body = { metadata: { labels: { accept: String(accept.length) } } }
  return api.request('PATCH', `${maps}/kept`, body, { accept, 'content-type': merge })
}

test('nothing is done for a client that accepts nothing of it', async () => {
  const body = { metadata: { name: 'unwanted' } }
  expect(await api.request('POST', maps, body, { accept: 'text/html' })).toMatchObject({
    status: 406,
    body: { kind: 'Status', reason: 'NotAcceptable' },
  })
  expect(await api.request('GET', `${maps}/unwanted`)).toMatchObject({ status: 404 })
})

test('a write answers as a Table or with metadata to who asks for that', async () => {
  const table = await patch('application/json;as=Table;g=meta.k8s.io;v=v1')
  expect(table.body).toMatchObject({ kind: 'Table', rows: [{ cells: ['kept', 2, expect.any(String)] }] })
  const metadata = await patch('application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1')
  expect(metadata.body).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'kept' } })
  expect(metadata.body).not.toHaveProperty('data')
})

test('a Scale has columns of its own', async () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const deployment = { metadata: { name: 'd' }, spec: { replicas: 2, selector: { matchLabels: { a: 'b' } }, template } }
  await api.request('POST', '/apis/apps/v1/namespaces/default/deployments', deployment)
  const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1,application/json'
  const path = '/apis/apps/v1/namespaces/default/deployments/d/scale'
  expect((await api.request('GET', path, undefined, { accept })).body).toMatchObject({
    kind: 'Table',
    columnDefinitions: [{ name: 'Name', format: '' }, { name: 'Desired' }, { name: 'Available' }, { name: 'Age' }],
    rows: [{ cells: ['d', 2, 0, expect.any(String)] }],
  })
})

test.each([
  ['a review', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: {} }],
  ['an eviction', '/api/v1/namespaces/default/pods/p/eviction', {}],
])('%s is never printed as a Table', async (_, path, body) => {
  const table = 'application/json;as=Table;g=meta.k8s.io;v=v1'
  const refused = await api.request('POST', path, body, { accept: table })
  expect(refused).toMatchObject({ status: 406, body: { reason: 'NotAcceptable' } })
  const answer = await api.request('POST', path, body, { accept: `${table},application/json` })
  expect(answer.status).not.toBe(406)
  expect(answer.body.kind).not.toBe('Table')
})

test('what a Table cannot carry is refused', async () => {
  const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1'
  const headers = { accept, 'content-type': merge }
  const answer = await api.request('PATCH', `${maps}/kept?includeObject=All`, {}, headers)
  expect(answer).toMatchObject({ status: 400, body: { message: 'unrecognized includeObject value: "All"' } })
})

test('YAML is as Go writes it: sorted, and what YAML 1.1 takes for something else in quotes', async () => {
  const { headers, body } = await api.request('GET', `${maps}/kept`, undefined, { accept: 'application/yaml' })
  expect(headers['content-type']).toBe('application/yaml')
  expect(String(body['text'])).toMatch(
    /^apiVersion: v1\ndata:\n {2}answer: "yes"\n {2}since: "2026-11-21T00:00:00Z"\nkind:/,
  )
})

test.each([
  ['a browser', '', { 'user-agent': 'Mozilla/5.0 (X11)' }, true],
  ['curl', '', { 'user-agent': 'curl/8.5.0' }, true],
  ['curl that wants it short', '?pretty=false', { 'user-agent': 'curl/8.5.0' }, false],
  ['who asks for it', '?pretty=1', {}, true],
  ['a program', '', { 'user-agent': 'kubectl/v1.36.0' }, false],
])('JSON is indented for %s', async (_who, query, headers, indented) => {
  for (const path of [`${maps}/kept`, maps, `${maps}/none`, '/api/v1', '/apis/none']) {
    const user = { name: 'tester', groups: ['system:masters'] }
    const { body } = await api.server.handle({ method: 'GET', path: path + query, headers }, user)
    const chunks: Buffer[] = []
    for await (const chunk of body) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString().startsWith('{\n  "'), path).toBe(indented)
  }
})
