/** What a client sees that speaks protobuf, shown with an encoder that is not ours. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, startTestServer, type TestServer } from '../test-server.ts'
import { type Enveloped, type Event, opened, protobuf, type Reply, sealed, send, watched } from './client.fixture.ts'

const services = '/api/v1/namespaces/default/services'
const both = `${protobuf},application/json`

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
})
afterAll(() => api[Symbol.asyncDispose]())

const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, labels: { app: 'web' }, annotations: { note: 'zwölf' } },
  spec: {
    type: 'NodePort',
    selector: { app: name },
    ports: [
      { name: 'http', port: 80, targetPort: { type: 1, strVal: 'web' } },
      { name: 'more', port: 81, targetPort: { type: 0, intVal: 8081 }, appProtocol: 'x.y/z' },
    ],
  },
})

async function create(name: string): Promise<Reply> {
  return send(api, 'POST', services, { body: sealed(service(name)) })
}

const get = (path: string): Promise<Answer> => api.request('GET', path)

describe('an object', () => {
  test('is created, and read by both kinds of clients alike', async () => {
    const created = await create('web')
    expect(created).toMatchObject({ status: 201, type: protobuf })
    const { body } = await get(`${services}/web`)
    expect(body).toMatchObject({
      metadata: { name: 'web', labels: { app: 'web' }, annotations: { note: 'zwölf' } },
      spec: {
        type: 'NodePort',
        selector: { app: 'web' },
        ports: [
          { name: 'http', port: 80, targetPort: 'web', protocol: 'TCP' },
          { name: 'more', port: 81, targetPort: 8081, appProtocol: 'x.y/z' },
        ],
      },
    })
    const read = await send(api, 'GET', `${services}/web`, { accept: both })
    expect(read).toMatchObject({ status: 200, type: protobuf })
    expect(read.bytes).toEqual(created.bytes)
    const { metadata, spec, status } = body as Record<string, Record<string, unknown>>
    expect(opened(read.bytes)).toMatchObject({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        uid: metadata?.['uid'],
        resourceVersion: metadata?.['resourceVersion'],
        creationTimestamp: { seconds: Date.parse(String(metadata?.['creationTimestamp'])) / 1000, nanos: 0 },
      },
      spec: {
        clusterIP: spec?.['clusterIP'],
        clusterIPs: spec?.['clusterIPs'],
        ipFamilyPolicy: 'SingleStack',
        ports: [
          { name: 'http', protocol: 'TCP', port: 80, targetPort: { type: 1, intVal: 0, strVal: 'web' } },
          { name: 'more', targetPort: { type: 0, intVal: 8081, strVal: '' } },
        ],
        externalName: '',
        publishNotReadyAddresses: false,
      },
      status,
    })
  })

  test('is updated and patched', async () => {
    const current = opened((await create('changing')).bytes)
    const metadata = { ...(current['metadata'] as object), annotations: { note: 'new' } }
    const updated = await send(api, 'PUT', `${services}/changing`, { body: sealed({ ...current, metadata }) })
    expect(opened(updated.bytes)).toMatchObject({ metadata: { annotations: { note: 'new' } } })
    const stale = await send(api, 'PUT', `${services}/changing`, { body: sealed({ ...current, metadata }) })
    expect(stale).toMatchObject({ status: 409, type: protobuf })
    const patched = await send(api, 'PATCH', `${services}/changing`, {
      body: Buffer.from('{"metadata":{"annotations":{"note":null}}}'),
      contentType: 'application/merge-patch+json',
    })
    expect(opened(patched.bytes)).toMatchObject({ kind: 'Service', metadata: { name: 'changing' } })
    expect(opened(patched.bytes)['metadata']).not.toHaveProperty('annotations')
  })

  test('is deleted with options of any group version', async () => {
    await create('gone')
    const path = `${services}/gone`
    const wrong = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'other' } }
    const refused = await send(api, 'DELETE', path, { body: sealed(wrong) })
    expect(opened(refused.bytes)).toMatchObject({ kind: 'Status', code: 409, reason: 'Conflict' })
    const dry = { apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions', dryRun: ['All'], gracePeriodSeconds: 0 }
    expect(await send(api, 'DELETE', path, { body: sealed(dry) })).toMatchObject({ status: 200 })
    expect(await get(path)).toMatchObject({ status: 200 })
    const unsaid = { apiVersion: '', kind: '' }
    const body = sealed({ ...wrong, ...unsaid, kind: 'DeleteOptions', preconditions: undefined })
    expect(await send(api, 'DELETE', path, { body })).toMatchObject({ status: 200, type: protobuf })
    expect(await get(path)).toMatchObject({ status: 404 })
  })

  test('of every shape: maps of bytes and quantities, embedded structs, pointers to zero', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, type: 'Opaque' }
    const data = { bin: Buffer.from([0, 255, 128]).toString('base64'), empty: '' }
    await send(api, 'POST', '/api/v1/namespaces/default/secrets', { body: sealed({ ...secret, data }) })
    expect((await get('/api/v1/namespaces/default/secrets/s')).body['data']).toEqual(data)
    expect(opened((await send(api, 'GET', '/api/v1/namespaces/default/secrets/s')).bytes)).toMatchObject({ data })
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: {
        terminationGracePeriodSeconds: 0,
        volumes: [{ name: 'v', volumeSource: { emptyDir: { sizeLimit: { string: '1.5Gi' } } } }],
        containers: [
          {
            name: 'c',
            image: 'i',
            resources: { limits: { cpu: { string: '0.5' } } },
            livenessProbe: { handler: { httpGet: { path: '/', port: { type: 0, intVal: 80 } } } },
          },
        ],
      },
    }
    const created = await send(api, 'POST', '/api/v1/namespaces/default/pods', { body: sealed(pod) })
    expect(created.status).toBe(201)
    const { spec } = (await get('/api/v1/namespaces/default/pods/p')).body as { spec?: unknown }
    expect(spec).toMatchObject({
      terminationGracePeriodSeconds: 0,
      volumes: [{ name: 'v', emptyDir: { sizeLimit: '1536Mi' } }],
      containers: [{ resources: { limits: { cpu: '500m' } }, livenessProbe: { httpGet: { path: '/', port: 80 } } }],
    })
    expect(opened(created.bytes)).toMatchObject({
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ resources: { limits: { cpu: { string: '500m' } } }, livenessProbe: { handler: {} } }],
      },
    })
  })
})

describe('collections', () => {
  test('are listed, page by page', async () => {
    await create('page-1')
    await create('page-2')
    const { status, type, bytes } = await send(api, 'GET', `${services}?limit=1`, { accept: both })
    expect({ status, type }).toEqual({ status: 200, type: protobuf })
    const page = opened(bytes) as Enveloped & { metadata: { continue: string }; items: unknown[] }
    expect(page).toMatchObject({ apiVersion: 'v1', kind: 'ServiceList', metadata: { selfLink: '' } })
    expect(page.items).toHaveLength(1)
    const rest = await send(api, 'GET', `${services}?continue=${page.metadata.continue}`)
    const all = [page, opened(rest.bytes)].flatMap(({ items }) => items as { metadata: { uid: string } }[])
    const json = (await get(services)).body['items'] as { metadata: { uid: string } }[]
    expect(all.map(({ metadata }) => metadata.uid)).toEqual(json.map(({ metadata }) => metadata.uid))
  })

  test('are empty', async () => {
    const { bytes } = await send(api, 'GET', '/api/v1/namespaces/nobody/services')
    expect(opened(bytes)).toMatchObject({ kind: 'ServiceList', metadata: { continue: '' } })
  })

  test('are shown as metadata', async () => {
    const as = (kind: string) => ({ accept: `${protobuf};as=${kind};g=meta.k8s.io;v=v1,${protobuf}` })
    await create('shown')
    const list = await send(api, 'GET', services, as('PartialObjectMetadataList'))
    expect(opened(list.bytes)).toMatchObject({ apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadataList' })
    const object = await send(api, 'GET', `${services}/shown`, as('PartialObjectMetadata'))
    const seen = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: { name: 'shown' } }
    expect(opened(object.bytes)).toMatchObject(seen)
    const contentType = 'application/merge-patch+json'
    const patch = {
      ...as('PartialObjectMetadata'),
      body: Buffer.from('{"metadata":{"labels":{"x":"y"}}}'),
      contentType,
    }
    const patched = await send(api, 'PATCH', `${services}/shown`, patch)
    expect(opened(patched.bytes)).toMatchObject({ ...seen, metadata: { labels: { x: 'y' } } })
  })
})

describe('a watch', () => {
  async function events(path: string, accept: string, count: number, act: () => Promise<unknown>) {
    const stopping = new AbortController()
    const stream = watched(api, path, accept, stopping.signal)
    const type = (await stream.next()).value as string
    await act()
    const seen: Event[] = []
    while (seen.length < count) seen.push((await stream.next()).value as Event)
    stopping.abort()
    return { type, seen }
  }

  test('frames what happens', async () => {
    const { metadata } = (await get(services)).body
    const path = `${services}?watch=1&resourceVersion=${String(metadata?.['resourceVersion'])}`
    const { type, seen } = await events(path, `${protobuf};stream=watch,${both}`, 3, async () => {
      await create('seen')
      const body = { metadata: { labels: { a: 'b' } } }
      await api.request('PATCH', `${services}/seen`, body, { 'content-type': 'application/merge-patch+json' })
      await api.request('DELETE', `${services}/seen`)
    })
    expect(type).toBe(`${protobuf};stream=watch`)
    expect(seen).toMatchObject([
      { type: 'ADDED', object: { kind: 'Service', metadata: { name: 'seen' } } },
      { type: 'MODIFIED', object: { metadata: { labels: { a: 'b', app: 'web' } } } },
      { type: 'DELETED', object: { metadata: { name: 'seen' }, spec: { type: 'NodePort' } } },
    ])
    const versions = seen.map(({ object }) =>
      Number((object['metadata'] as { resourceVersion: string }).resourceVersion),
    )
    expect(versions).toEqual(versions.toSorted((a, b) => a - b))
  })

  test('shares each frame with all others of its kind', async () => {
    const { metadata } = (await get(services)).body
    const path = `${services}?watch=1&resourceVersion=${String(metadata?.['resourceVersion'])}`
    const user = { name: 'tester', groups: ['system:masters'] }
    const request = { method: 'GET', path, headers: { accept: protobuf } }
    const watches = await Promise.all([1, 2, 3].map(() => api.server.handle(request, user)))
    await create('shared')
    const frames = await Promise.all(watches.map(({ body }) => body[Symbol.asyncIterator]().next()))
    const [first, ...others] = frames.map(({ value }) => value as Buffer)
    for (const other of others) expect(other).toBe(first)
  })

  test('of metadata begins with the state and says where it ends', async () => {
    const start = 'sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'
    const accept = `${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`
    const path = '/api/v1/namespaces?watch=1&'
    const { seen } = await events(path + start, accept, 2, async () => {})
    expect(seen).toMatchObject([
      { type: 'ADDED', object: { kind: 'PartialObjectMetadata', metadata: { name: 'default' } } },
      { type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } },
    ])
  })
})

describe('errors and discovery', () => {
  test.each([
    ['GET', `${services}/none`, { code: 404, reason: 'NotFound', details: { name: 'none', kind: 'services' } }],
    ['GET', '/apis/nothing', { code: 404, reason: 'NotFound' }],
    ['PUT', services, { code: 405, reason: 'MethodNotAllowed' }],
  ])('%s %s', async (method, path, status) => {
    const { type, bytes } = await send(api, method, path, { accept: both })
    expect(type).toBe(protobuf)
    expect(opened(bytes)).toMatchObject({ apiVersion: 'v1', kind: 'Status', status: 'Failure', ...status })
  })

  test('what is wrong with an object', async () => {
    const bad = { ...service('bad'), metadata: { name: 'bad', labels: { app: '-' } } }
    const { status, bytes } = await send(api, 'POST', services, { body: sealed(bad) })
    expect(status).toBe(422)
    expect(opened(bytes)).toMatchObject({ details: { causes: [{ field: 'metadata.labels' }] } })
  })

  test('the resources of a group version', async () => {
    const { bytes } = await send(api, 'GET', '/api/v1')
    const resources = expect.arrayContaining([
      expect.objectContaining({
        name: 'pods',
        shortNames: ['po'],
        verbs: { items: expect.arrayContaining(['watch']) },
      }),
    ])
    expect(opened(bytes)).toMatchObject({ groupVersion: 'v1', resources })
  })

  test('a Table has no message, so the next best is given, or nothing', async () => {
    const table = 'as=Table;g=meta.k8s.io;v=v1'
    const both = await send(api, 'GET', services, { accept: `${protobuf};${table},application/json;${table}` })
    expect(both).toMatchObject({ status: 200, type: 'application/json' })
    const only = await send(api, 'GET', services, { accept: `${protobuf};${table}` })
    expect(only).toMatchObject({ status: 406, type: 'application/json' })
  })
})

describe('subresources', () => {
  test('scale', async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const spec = { replicas: 1, selector: { matchLabels: { a: 'b' } }, template }
    const path = '/apis/apps/v1/namespaces/default/deployments'
    await api.request('POST', path, { metadata: { name: 'd' }, spec })
    const { bytes } = await send(api, 'GET', `${path}/d/scale`)
    const scale = opened(bytes)
    expect(scale).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 } })
    const scaled = await send(api, 'PUT', `${path}/d/scale`, { body: sealed({ ...scale, spec: { replicas: 3 } }) })
    expect(opened(scaled.bytes)).toMatchObject({ kind: 'Scale', spec: { replicas: 3 } })
  })

  test('eviction', async () => {
    const path = '/api/v1/namespaces/default/pods'
    await api.request('POST', path, { metadata: { name: 'e' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
    const options = { preconditions: { uid: 'other' } }
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'e' } }
    for (const apiVersion of ['policy/v1', 'policy/v1beta1']) {
      const refused = await send(api, 'POST', `${path}/e/eviction`, {
        body: sealed({ ...eviction, apiVersion, deleteOptions: options }),
      })
      expect(opened(refused.bytes), apiVersion).toMatchObject({ code: 409 })
    }
    const evicted = await send(api, 'POST', `${path}/e/eviction`, { body: sealed(eviction) })
    expect(opened(evicted.bytes)).toMatchObject({ kind: 'Status', status: 'Success' })
  })
})
