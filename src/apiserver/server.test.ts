import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer, until } from './test-server.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
})
afterAll(() => api[Symbol.asyncDispose]())

const configMaps = '/api/v1/namespaces/default/configmaps'
const create = (name: string, more: object = {}) => api.request('POST', configMaps, { metadata: { name }, ...more })

describe('create', () => {
  test('answers 201 with the object as stored, which a get then returns', async () => {
    const created = await create('one', { data: { a: 'b' } })
    expect(created).toMatchObject({
      status: 201,
      body: { kind: 'ConfigMap', apiVersion: 'v1', data: { a: 'b' }, metadata: { name: 'one', namespace: 'default' } },
    })
    expect((await api.request('GET', `${configMaps}/one`)).body).toEqual(created.body)
  })

  test('twice is a conflict', async () => {
    await create('twice')
    expect(await create('twice')).toMatchObject({
      status: 409,
      body: { reason: 'AlreadyExists', message: 'configmaps "twice" already exists' },
    })
  })

  test('makes a name from generateName', async () => {
    const { body } = await api.request('POST', configMaps, { metadata: { generateName: 'gen-' } })
    expect(body.metadata?.['name']).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  })

  test.each([
    [
      'a bad name',
      configMaps,
      { metadata: { name: 'A' } },
      422,
      'ConfigMap "A" is invalid: metadata.name: Invalid value',
    ],
    ['no name', configMaps, { metadata: {} }, 422, 'metadata.name: Required value: name or generateName is required'],
    ['another namespace', configMaps, { metadata: { name: 'a', namespace: 'b' } }, 400, 'does not match the namespace'],
    [
      'no such namespace',
      '/api/v1/namespaces/no/configmaps',
      { metadata: { name: 'a' } },
      404,
      'namespaces "no" not found',
    ],
    ['another kind', configMaps, { kind: 'Pod', apiVersion: 'v1' }, 400, 'cannot be handled as a ConfigMap'],
    ['no namespace', '/api/v1/configmaps', { metadata: { name: 'a' } }, 405, 'does not allow this method'],
  ])('refuses %s', async (_what, path, body, status, message) => {
    const answer = await api.request('POST', path, body)
    expect(answer.status).toBe(status)
    expect(answer.body.message).toContain(message)
  })

  test('refuses what only the server may set, and managers with odd names', async () => {
    expect(await create('versioned', { metadata: { name: 'versioned', resourceVersion: '5' } })).toMatchObject({
      status: 500,
      body: { message: 'resourceVersion should not be set on objects to be created' },
    })
    const managed = (manager: string) =>
      api.request('POST', `${configMaps}?fieldManager=${manager}`, { metadata: { name: 'managed' } })
    expect((await managed('x'.repeat(129))).body.message).toBe(
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    )
    expect((await managed('a%00b')).body.message).toContain('should only contain printable characters')
    expect((await managed('kubectl-client-side-apply')).status).toBe(201)
  })

  test('checks unknown fields as asked', async () => {
    const body = { metadata: { name: 'strict' }, foo: 1 }
    const strict = await api.request('POST', `${configMaps}?fieldValidation=Strict`, body)
    expect(strict.status).toBe(400)
    expect(strict.body.message).toContain('strict decoding error: unknown field "foo"')
    const warned = await api.request('POST', `${configMaps}?dryRun=All`, body)
    expect(warned).toMatchObject({ status: 201, headers: { warning: '299 - "unknown field \\"foo\\""' } })
    expect((await api.request('GET', `${configMaps}/strict`)).status).toBe(404)
  })
})

describe('update', () => {
  test('of a stale version is a conflict, of the current one is not', async () => {
    const { body: first } = await create('upd')
    const second = await api.request('PUT', `${configMaps}/upd`, { ...first, data: { a: '1' } })
    expect(second.status).toBe(200)
    const stale = await api.request('PUT', `${configMaps}/upd`, { ...first, data: { a: '2' } })
    expect(stale).toMatchObject({ status: 409, body: { reason: 'Conflict' } })
    expect(stale.body.message).toBe(
      'Operation cannot be fulfilled on configmaps "upd": the object has been modified; please apply your changes to the latest version and try again',
    )
  })

  test('that changes nothing keeps the version', async () => {
    const { body } = await create('noop', { data: { a: '1' } })
    const again = await api.request('PUT', `${configMaps}/noop`, { data: { a: '1' }, metadata: { name: 'noop' } })
    expect(again.body.metadata?.['resourceVersion']).toBe(body.metadata?.['resourceVersion'])
  })

  test('of nothing is 404', async () => {
    const answer = await api.request('PUT', `${configMaps}/none`, { metadata: { name: 'none' } })
    expect(answer).toMatchObject({ status: 404, body: { message: 'configmaps "none" not found' } })
  })
})

describe('patch', () => {
  test.each([
    ['application/merge-patch+json', { data: { a: null, b: '2' } }, { b: '2' }],
    ['application/strategic-merge-patch+json', { data: { b: '2' } }, { a: '1', b: '2' }],
    ['application/json-patch+json', [{ op: 'replace', path: '/data/a', value: '9' }], { a: '9' }],
  ])('%s', async (type, patch, data) => {
    const name = type.replace(/\W+/g, '-')
    await create(name, { data: { a: '1' } })
    const answer = await api.request('PATCH', `${configMaps}/${name}`, patch, { 'content-type': type })
    expect(answer).toMatchObject({ status: 200, body: { data } })
  })

  test('of an unknown type is refused with those that are known', async () => {
    const answer = await api.request('PATCH', `${configMaps}/x`, {}, { 'content-type': 'application/json' })
    expect(answer).toMatchObject({ status: 415, body: { reason: 'UnsupportedMediaType' } })
    expect(answer.body.message).toContain('application/apply-patch+yaml')
  })

  test('of many at once loses none', async () => {
    await create('many')
    const headers = { 'content-type': 'application/merge-patch+json' }
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
    await Promise.all(keys.map((key) => api.request('PATCH', `${configMaps}/many`, { data: { [key]: '' } }, headers)))
    const { body } = await api.request('GET', `${configMaps}/many`)
    expect(Object.keys(body['data'] as object).sort()).toEqual([...keys].sort())
  })
})

describe('delete', () => {
  test('answers Success and the object is gone', async () => {
    const { body } = await create('del')
    const uid = body.metadata?.['uid']
    const answer = await api.request('DELETE', `${configMaps}/del`)
    expect(answer).toMatchObject({ status: 200, body: { status: 'Success', details: { kind: 'configmaps', uid } } })
    expect((await api.request('DELETE', `${configMaps}/del`)).status).toBe(404)
  })

  test('heeds preconditions', async () => {
    await create('pre')
    const answer = await api.request('DELETE', `${configMaps}/pre`, { preconditions: { uid: 'other' } })
    expect(answer).toMatchObject({ status: 409 })
    expect(answer.body.message).toContain('ConfigMap "pre": the UID in the precondition (other) does not match the UID')
  })

  test('waits for the last finalizer', async () => {
    await api.request('POST', configMaps, { metadata: { name: 'fin', finalizers: ['example.com/x'] } })
    const marked = await api.request('DELETE', `${configMaps}/fin`)
    expect(marked.body.metadata?.['deletionTimestamp']).toBeDefined()
    const headers = { 'content-type': 'application/merge-patch+json' }
    await api.request('PATCH', `${configMaps}/fin`, { metadata: { finalizers: null } }, headers)
    expect((await api.request('GET', `${configMaps}/fin`)).status).toBe(404)
  })

  test('of a namespace marks it and refuses new content, until it is finalized', async () => {
    await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'gone' } })
    const { body } = await api.request('DELETE', '/api/v1/namespaces/gone')
    expect(body).toMatchObject({ status: { phase: 'Terminating' } })
    const refused = await api.request('POST', '/api/v1/namespaces/gone/configmaps', { metadata: { name: 'a' } })
    expect(refused).toMatchObject({
      status: 403,
      body: { details: { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] } },
    })
    await api.request('PUT', '/api/v1/namespaces/gone/finalize', { ...body, spec: { finalizers: [] } })
    expect((await api.request('GET', '/api/v1/namespaces/gone')).status).toBe(404)
  })

  test('of a collection by label', async () => {
    for (const name of ['c1', 'c2']) await api.request('POST', configMaps, { metadata: { name, labels: { c: 'x' } } })
    await api.request('DELETE', `${configMaps}?labelSelector=c%3Dx`)
    const { body } = await api.request('GET', `${configMaps}?labelSelector=c%3Dx`)
    expect(body['items']).toEqual([])
  })
})

describe('list', () => {
  test('in pages shows one revision throughout', async () => {
    await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'pages' } })
    const path = '/api/v1/namespaces/pages/configmaps'
    for (const name of ['a', 'b', 'c', 'd', 'e']) await api.request('POST', path, { metadata: { name } })
    const first = await api.request('GET', `${path}?limit=2`)
    expect(first.body.metadata).toMatchObject({ remainingItemCount: 3 })
    await api.request('POST', path, { metadata: { name: 'bb' } })
    await api.request('DELETE', `${path}/d`)
    const token = String(first.body.metadata?.['continue'])
    const second = await api.request('GET', `${path}?continue=${token}`)
    const names = [first, second].flatMap(({ body }) =>
      (body['items'] as { metadata: { name: string } }[]).map((o) => o.metadata.name),
    )
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(second.body.metadata?.['resourceVersion']).toBe(first.body.metadata?.['resourceVersion'])
  })

  test('of a forgotten revision is 410', async () => {
    const { body } = await api.request('GET', `${configMaps}?limit=1`)
    await create('later')
    await api.store.compact(await api.store.currentRevision())
    const token = String(body.metadata?.['continue'])
    const answer = await api.request('GET', `${configMaps}?limit=1&continue=${token}`)
    expect(answer).toMatchObject({ status: 410, body: { reason: 'Expired' } })
    const rest = await api.request(
      'GET',
      `${configMaps}?limit=1&continue=${String(answer.body.metadata?.['continue'])}`,
    )
    expect(rest.status).toBe(200)
  })

  test('with a negative limit has no limit', async () => {
    const { body } = await api.request('GET', `${configMaps}?limit=-1`)
    expect((body['items'] as unknown[]).length).toBeGreaterThan(1)
  })

  test('that is deleted by pages says where to go on', async () => {
    for (const name of ['x', 'y', 'z'])
      await create(`page-${name}`, { metadata: { name: `page-${name}`, labels: { page: 'yes' } } })
    const path = `${configMaps}?labelSelector=page%3Dyes&limit=2`
    const first = await api.request('DELETE', path)
    expect((first.body['items'] as unknown[]).length).toBe(2)
    const token = String(first.body.metadata?.['continue'])
    const second = await api.request('DELETE', `${path}&continue=${token}`)
    expect((second.body['items'] as unknown[]).length).toBe(1)
    expect((await api.request('GET', path)).body).toMatchObject({ items: [] })
  })

  test('refuses what Kubernetes refuses', async () => {
    expect((await api.request('GET', `${configMaps}?fieldSelector=a%3Db`)).body.message).toBe(
      '"a" is not a known field selector: only "metadata.name", "metadata.namespace"',
    )
    expect((await api.request('GET', `${configMaps}?limit=x`)).status).toBe(400)
  })

  test('as a Table has the declared columns', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
    const { body } = await api.request('GET', '/api/v1/namespaces', undefined, { accept })
    expect(body).toMatchObject({ kind: 'Table', columnDefinitions: [{ name: 'Name', format: 'name' }, {}, {}] })
    expect(body['rows']).toContainEqual(expect.objectContaining({ cells: ['default', 'Active', expect.any(String)] }))
  })
})

describe('scale', () => {
  test('is read and written as autoscaling/v1', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments'
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const spec = { replicas: 1, selector: { matchLabels: { a: 'b' } }, template }
    await api.request('POST', deployments, { metadata: { name: 'web' }, spec })
    const { body } = await api.request('GET', `${deployments}/web/scale`)
    expect(body).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'a=b' } })
    const put = await api.request('PUT', `${deployments}/web/scale`, { ...body, spec: { replicas: 4 } })
    expect(put).toMatchObject({ status: 200, body: { spec: { replicas: 4 } } })
    expect((await api.request('GET', `${deployments}/web`)).body).toMatchObject({
      spec: { replicas: 4 },
      metadata: { generation: 2 },
    })
  })
})

describe('binding', () => {
  test('places a pod once', async () => {
    const pods = '/api/v1/namespaces/default/pods'
    await api.request('POST', pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
    const binding = { target: { kind: 'Node', name: 'node-1' } }
    expect((await api.request('POST', `${pods}/p/binding`, binding)).status).toBe(201)
    expect((await api.request('GET', `${pods}/p`)).body).toMatchObject({ spec: { nodeName: 'node-1' } })
    const second = await api.request('POST', `${pods}/p/binding`, binding)
    expect(second.status).toBe(409)
    expect(second.body.message).toContain('pod p is already assigned to node "node-1"')
  })

  test('ends the wait for another node', async () => {
    const pods = '/api/v1/namespaces/default/pods'
    await api.request('POST', pods, { metadata: { name: 'w' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
    const { body } = await api.request('GET', `${pods}/w`)
    const waiting = { ...body, status: { nominatedNodeName: 'node-2' } }
    expect((await api.request('PUT', `${pods}/w/status`, waiting)).body).toMatchObject({ status: waiting.status })
    await api.request('POST', `${pods}/w/binding`, { target: { kind: 'Node', name: 'node-1' } })
    const bound = await api.request('GET', `${pods}/w`)
    expect((bound.body as { status?: object }).status).not.toHaveProperty('nominatedNodeName')
  })

  test('gives a pod the zone and region of its node, and labels of the binding', async () => {
    const pods = '/api/v1/namespaces/default/pods'
    const [zone, region] = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']
    const labels = { [zone]: 'a', [region]: 'west', other: 'x' }
    await api.request('POST', '/api/v1/nodes', { metadata: { name: 'zoned', labels } })
    const containers = [{ name: 'c', image: 'i' }]
    const binding = { metadata: { labels: { of: 'binding' } }, target: { kind: 'Node', name: 'zoned' } }
    await api.request('POST', pods, { metadata: { name: 'bound', labels: { [zone]: 'mine' } }, spec: { containers } })
    expect((await api.request('POST', `${pods}/bound/binding`, binding)).status).toBe(201)
    expect((await api.request('GET', `${pods}/bound`)).body.metadata?.labels).toEqual({
      [zone]: 'a',
      [region]: 'west',
      of: 'binding',
    })
    await api.request('POST', pods, { metadata: { name: 'placed' }, spec: { containers, nodeName: 'zoned' } })
    expect((await api.request('GET', `${pods}/placed`)).body.metadata?.labels).toEqual({
      [zone]: 'a',
      [region]: 'west',
    })
  })

  test('waits for gates', async () => {
    const pods = '/api/v1/namespaces/default/pods'
    const spec = { containers: [{ name: 'c', image: 'i' }], schedulingGates: [{ name: 'a/b' }] }
    await api.request('POST', pods, { metadata: { name: 'gated' }, spec })
    const refused = await api.request('POST', `${pods}/gated/binding`, { target: { kind: 'Node', name: 'node-1' } })
    expect(refused.status).toBe(409)
    expect(refused.body.message).toContain('pod gated has non-empty .spec.schedulingGates')
  })

  test('may come to the collection of bindings, and names its pod there', async () => {
    const pods = '/api/v1/namespaces/default/pods'
    const bindings = '/api/v1/namespaces/default/bindings'
    await api.request('POST', pods, { metadata: { name: 'q' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
    const target = { kind: 'Node', name: 'node-1' }
    expect(await api.request('POST', bindings, { target })).toMatchObject({ status: 400 })
    expect(await api.request('POST', `${pods}/q/binding`, { metadata: { name: 'p' }, target })).toMatchObject({
      status: 400,
      body: { message: 'name in URL does not match name in Binding object' },
    })
    expect(await api.request('POST', bindings, { metadata: { name: 'q' }, target })).toMatchObject({ status: 201 })
    expect((await api.request('GET', `${pods}/q`)).body).toMatchObject({ spec: { nodeName: 'node-1' } })
    expect((await api.request('GET', bindings)).status).toBe(405)
  })
})

describe('a name that no path can have', () => {
  test.each([
    ['GET', '..', "may not be '..'"],
    ['GET', '%2e', "may not be '.'"],
    ['DELETE', '%25', "may not contain '%'"],
    ['GET', 'a%25b', "may not contain '%'"],
  ])('%s %s', async (method, name, why) => {
    const { status, body } = await api.request(method, `/api/v1/namespaces/default/configmaps/${name}`)
    expect(status).toBe(400)
    const decoded = JSON.stringify(decodeURIComponent(name))
    expect(body).toMatchObject({ reason: 'BadRequest', message: `Name parameter invalid: ${decoded}: ${why}` })
  })

  test('is not made up by what is no UTF-8', async () => {
    const { status, body } = await api.request('GET', '/api/v1/namespaces/default/configmaps/%ff')
    expect(status).toBe(404)
    expect(body.message).toBe('configmaps "\ufffd" not found')
  })
})

describe('the deprecated watch paths', () => {
  test.each([`/api/v1/watch/namespaces/default/configmaps`, `/api/v1/watch/configmaps`])('%s', async (path) => {
    await create('watched')
    const { status, events, stop } = await api.watch(path)
    await until('the existing object', () => events.some(({ object }) => object.metadata.name === 'watched'))
    expect(status).toBe(200)
    stop()
    expect((await api.request('POST', path, { metadata: { name: 'no' } })).status).toBe(405)
  })

  test('are the only way to watch one object without a selector', async () => {
    await create('single')
    const { status, body } = await api.request('GET', `${configMaps}/single?watch=1`)
    expect([status, body['kind']]).toEqual([200, 'ConfigMap'])
  })

  test('of one object', async () => {
    await create('only')
    const { events, stop } = await api.watch('/api/v1/watch/namespaces/default/configmaps/only')
    await until('an event', () => events.length > 0)
    expect(events.map(({ object }) => object.metadata.name)).toEqual(['only'])
    stop()
  })
})

describe('a body', () => {
  test('that is null is an object without fields', async () => {
    const answer = await api.request('POST', configMaps, null)
    expect(answer.body.message).toContain('metadata.name: Required value: name or generateName is required')
  })

  test('that nests too deep is refused', async () => {
    const deep = Buffer.from(`{"metadata":{"name":"deep"},"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)
    const answer = await api.request('POST', configMaps, deep)
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain('json parse error: exceeded max depth')
  })

  test('with many brackets in strings is not deep', async () => {
    const data = { a: '[{"\\"'.repeat(10_000), b: '\\' }
    expect((await create('brackets', { data })).body).toMatchObject({ data })
  })

  test('may use any valid key, also those that JavaScript objects inherit', async () => {
    const body = Buffer.from('{"metadata":{"name":"keys"},"data":{"constructor":"a","toString":"b"}}')
    expect(await api.request('POST', configMaps, body)).toMatchObject({
      status: 201,
      body: { data: { toString: 'b' } },
    })
  })
})

test('a pod without a node has an empty log', async () => {
  const pods = '/api/v1/namespaces/default/pods'
  await api.request('POST', pods, { metadata: { name: 'nowhere' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
  expect(await api.request('GET', `${pods}/nowhere/log`)).toMatchObject({ status: 200, body: { text: '' } })
})

describe('log options', () => {
  const invalidOptions = (why: string) => `PodLogOptions "p" is invalid: ${why}`
  test.each([
    ['tailLines=-1', 422, invalidOptions('tailLines: Invalid value: -1: must be greater than or equal to 0')],
    ['limitBytes=0', 422, invalidOptions('limitBytes: Invalid value: 0: must be greater than 0')],
    ['sinceSeconds=0', 422, invalidOptions('sinceSeconds: Invalid value: 0: must be greater than 0')],
    [
      'sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z',
      422,
      invalidOptions('[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified'),
    ],
    ['tailLines=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
  ])('%s', async (query, code, message) => {
    const answer = await api.request('GET', `/api/v1/namespaces/default/pods/p/log?${query}`)
    expect(answer).toMatchObject({ status: code, body: { message } })
  })
})

test('what is not served is told so', async () => {
  const message = 'the server could not find the requested resource'
  expect(await api.request('GET', '/api/v1/foos')).toMatchObject({ status: 404, body: { message } })
  expect(await api.request('POST', '/apis/x/v1/foos', {})).toMatchObject({ status: 404, body: { message } })
  expect(await api.request('PUT', configMaps, {})).toMatchObject({ status: 405 })
})
