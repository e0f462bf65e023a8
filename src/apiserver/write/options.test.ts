/** Preconditions, dry runs and collections: what the options of a write promise. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../test-server.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
})
afterAll(() => api[Symbol.asyncDispose]())

const ns = '/api/v1/namespaces/default'
const configMaps = `${ns}/configmaps`
const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const merge = { 'content-type': 'application/merge-patch+json' }
const create = (name: string, more: object = {}) => api.request('POST', configMaps, { metadata: { name }, ...more })

const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const deployment = (name: string) => ({
  metadata: { name },
  spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template },
})

describe('a version', () => {
  test('may be left out where the kind allows it, and only there', async () => {
    await create('plain')
    expect(await api.request('PUT', `${configMaps}/plain`, { metadata: { name: 'plain' } })).toMatchObject({
      status: 200,
    })
    await api.request('POST', leases, { metadata: { name: 'l' } })
    expect(await api.request('PUT', `${leases}/l`, { metadata: { name: 'l' } })).toMatchObject({
      status: 422,
      body: {
        message:
          'leases.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
        details: { name: 'l', group: 'coordination.k8s.io', kind: 'leases' },
      },
    })
  })

  test('that is stale is a conflict in a patch, too', async () => {
    const { body } = await create('patched')
    await api.request('PATCH', `${configMaps}/patched`, { data: { a: '1' } }, merge)
    const stale = { metadata: { resourceVersion: body.metadata?.['resourceVersion'] }, data: { a: '2' } }
    expect(await api.request('PATCH', `${configMaps}/patched`, stale, merge)).toMatchObject({
      status: 409,
      body: { reason: 'Conflict' },
    })
  })
})

describe('a uid', () => {
  test('of another object stops a full update', async () => {
    const { body } = await create('uid')
    const metadata = { name: 'uid', uid: 'other' }
    expect(await api.request('PUT', `${configMaps}/uid`, { metadata })).toMatchObject({
      status: 409,
      body: {
        message:
          'Operation cannot be fulfilled on configmaps "uid": StorageError: invalid object, Code: 4, ' +
          'Key: /registry/configmaps/default/uid, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ' +
          `UID in precondition: other, UID in object meta: ${String(body.metadata?.['uid'])}`,
      },
    })
  })

  test('is not to be patched', async () => {
    await create('uid-patch')
    expect(await api.request('PATCH', `${configMaps}/uid-patch`, { metadata: { uid: 'x' } }, merge)).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining('metadata.uid: Invalid value: "x": field is immutable') },
    })
  })

  test.each([
    ['uid', 'UID', 'The object might have been deleted and then recreated'],
    ['resourceVersion', 'ResourceVersion', 'The object might have been modified'],
  ])('or version: precondition %s of a delete', async (field, word, why) => {
    const { body } = await create(`pre-${word.toLowerCase()}`)
    const name = String(body.metadata?.['name'])
    const answer = await api.request('DELETE', `${configMaps}/${name}`, { preconditions: { [field]: '7' } })
    expect(answer).toMatchObject({
      status: 409,
      body: {
        message:
          `Operation cannot be fulfilled on ConfigMap "${name}": the ${word} in the precondition (7) does not match ` +
          `the ${word} in record (${String(body.metadata?.[field])}). ${why}`,
        details: { kind: 'ConfigMap' },
      },
    })
    const right = { preconditions: { [field]: body.metadata?.[field] } }
    expect(await api.request('DELETE', `${configMaps}/${name}`, right)).toMatchObject({ status: 200 })
  })
})

describe('dryRun=All', () => {
  /** Everything that is stored, without what the reading itself may write. */
  const stored = async () =>
    (await api.store.range({ prefix: '/' })).kvs.map(({ key, modRevision }) => [key, modRevision])

  test('changes nothing, whatever the verb', async () => {
    await create('dry')
    await api.request('POST', deployments, deployment('dry'))
    await api.request('POST', `${ns}/pods`, { metadata: { name: 'dry' }, spec: template.spec })
    await api.request('POST', `${ns}/services`, { metadata: { name: 'dry' }, spec: { ports: [{ port: 80 }] } })
    const before = await stored()
    const metadata = { name: 'dry' }
    const spec = { type: 'NodePort', ports: [{ port: 80 }] }
    const scale = { metadata, spec: { replicas: 3 } }
    const target = { kind: 'Node', name: 'node-1' }
    const requests: [string, string, unknown, object][] = [
      ['POST', configMaps, { metadata: { name: 'dry-new' } }, { metadata: { uid: expect.any(String) } }],
      ['POST', `${ns}/services`, { metadata: { name: 'dry-new' }, spec }, { spec: { clusterIP: expect.any(String) } }],
      ['PUT', `${configMaps}/dry`, { metadata, data: { a: 'b' } }, { data: { a: 'b' } }],
      ['PATCH', `${configMaps}/dry`, { data: { a: 'b' } }, { data: { a: 'b' } }],
      ['PATCH', `${ns}/services/dry`, { spec: { type: 'NodePort' } }, { spec: { type: 'NodePort' } }],
      ['DELETE', `${configMaps}/dry`, undefined, { status: 'Success' }],
      ['DELETE', `${ns}/services/dry`, undefined, { kind: 'Service' }],
      ['DELETE', configMaps, undefined, { kind: 'ConfigMapList' }],
      ['PUT', `${deployments}/dry/scale`, scale, { spec: { replicas: 3 } }],
      ['PATCH', `${deployments}/dry/scale`, { spec: { replicas: 3 } }, { spec: { replicas: 3 } }],
      ['PATCH', `${deployments}/dry/status`, { status: { replicas: 3 } }, { status: { replicas: 3 } }],
      ['POST', `${ns}/pods/dry/binding`, { metadata, target }, { status: 'Success' }],
      ['POST', `${ns}/pods/dry/eviction`, { metadata }, { status: 'Success' }],
    ]
    for (const [method, path, body, expected] of requests) {
      const headers = method === 'PATCH' ? merge : {}
      const answer = await api.request(method, `${path}?dryRun=All`, body, headers)
      expect([path, answer.status]).toEqual([path, method === 'POST' ? 201 : 200])
      expect(answer.body).toMatchObject(expected)
    }
    expect(await stored()).toEqual(before)
  })

  test('leaves the address that it showed to others', async () => {
    const service = (name: string) => ({
      metadata: { name },
      spec: { clusterIP: '10.96.7.7', type: 'NodePort', ports: [{ port: 80, nodePort: 31777 }] },
    })
    expect(await api.request('POST', `${ns}/services?dryRun=All`, service('first'))).toMatchObject({ status: 201 })
    expect(await api.request('POST', `${ns}/services`, service('second'))).toMatchObject({ status: 201 })
  })

  test('still finds what is in the way', async () => {
    await create('there')
    expect(await api.request('POST', `${configMaps}?dryRun=All`, { metadata: { name: 'there' } })).toMatchObject({
      status: 409,
      body: { reason: 'AlreadyExists' },
    })
    expect(await api.request('DELETE', `${configMaps}/nowhere?dryRun=All`)).toMatchObject({ status: 404 })
    expect(await api.request('POST', `${configMaps}?dryRun=All`, { metadata: { name: 'A' } })).toMatchObject({
      status: 422,
    })
  })

  test.each([
    ['POST', configMaps, 'CreateOptions'],
    ['PUT', `${configMaps}/plain`, 'UpdateOptions'],
    ['PATCH', `${configMaps}/plain`, 'PatchOptions'],
    ['DELETE', `${configMaps}/plain`, 'DeleteOptions'],
    ['DELETE', configMaps, 'DeleteOptions'],
  ])('other values of it are refused by %s %s', async (method, path, kind) => {
    const body = method === 'DELETE' ? undefined : { metadata: { name: 'plain' } }
    const headers = method === 'PATCH' ? merge : {}
    expect(await api.request(method, `${path}?dryRun=Some`, body, headers)).toMatchObject({
      status: 422,
      body: {
        message: `${kind}.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"`,
      },
    })
  })
})

describe('a delete answers', () => {
  test.each([
    [configMaps, 'Status', {}],
    [`${ns}/serviceaccounts`, 'ServiceAccount', {}],
    ['/apis/storage.k8s.io/v1/storageclasses', 'StorageClass', { provisioner: 'example.com/x' }],
  ])('for %s with %s', async (path, kind, content) => {
    const created = await api.request('POST', path, { metadata: { name: 'answer' }, ...content })
    expect(created.status, created.body.message).toBe(201)
    expect(await api.request('DELETE', `${path}/answer`)).toMatchObject({ status: 200, body: { kind } })
  })
})

describe('deletecollection', () => {
  const names = async (path: string) => {
    const { body } = await api.request('GET', path)
    return (body['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)
  }

  test('of a kind without namespaces, by label', async () => {
    const nodes = '/api/v1/nodes'
    for (const [name, pool] of [
      ['n1', 'a'],
      ['n2', 'b'],
      ['n3', 'a'],
    ])
      await api.request('POST', nodes, { metadata: { name, labels: { pool } } })
    const answer = await api.request('DELETE', `${nodes}?labelSelector=pool%3Da`)
    expect(answer).toMatchObject({ status: 200, body: { kind: 'NodeList' } })
    expect((answer.body['items'] as unknown[]).length).toBe(2)
    expect(await names(nodes)).toEqual(['n2'])
  })

  test('by field, with options in the body that hold for each', async () => {
    const path = `${ns}/pods`
    for (const name of ['p1', 'p2']) await api.request('POST', path, { metadata: { name }, spec: template.spec })
    await api.request('POST', `${path}/p1/binding`, { target: { kind: 'Node', name: 'n' } })
    const query = 'fieldSelector=spec.nodeName%3Dn'
    const marked = await api.request('DELETE', `${path}?${query}`, { gracePeriodSeconds: 7 })
    expect(marked.status).toBe(200)
    const { body } = await api.request('GET', `${path}/p1`)
    expect(body.metadata).toMatchObject({ deletionGracePeriodSeconds: 7 })
    await api.request('DELETE', `${path}?${query}`, { gracePeriodSeconds: 0 })
    expect(await names(path)).toContain('p2')
    expect(await names(path)).not.toContain('p1')
  })

  test('asks for a namespace where the kind has them, and refuses bad selectors', async () => {
    expect(await api.request('DELETE', '/api/v1/configmaps')).toMatchObject({ status: 405 })
    expect(await api.request('DELETE', `${configMaps}?labelSelector=%21%21`)).toMatchObject({ status: 400 })
    expect(await api.request('DELETE', `${configMaps}?fieldSelector=a%3Db`)).toMatchObject({ status: 400 })
    expect(await api.request('DELETE', configMaps, { propagationPolicy: 'Later' })).toMatchObject({
      status: 422,
      body: {
        message:
          'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Later": ' +
          'supported values: "Foreground", "Background", "Orphan", "nil"',
      },
    })
  })
})
