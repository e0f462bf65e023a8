import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserInfo } from '../handler.ts'
import { startTestServer, type TestServer } from '../test-server.ts'

const agent: UserInfo = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] }
const inDefault = '/api/v1/namespaces/default'
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'

let api: TestServer
const uids: Record<string, string> = {}

beforeAll(async () => {
  api = await startTestServer()
  const post = (path: string, body: object) => api.request('POST', path, body)
  await post('/api/v1/namespaces', { metadata: { name: 'kube-node-lease' } })
  for (const name of ['node-1', 'node-2']) await post('/api/v1/nodes', { metadata: { name } })
  for (const name of ['mine', 'theirs', 'nobodys']) {
    for (const kind of ['configmaps', 'secrets', 'serviceaccounts'])
      await post(`${inDefault}/${kind}`, { metadata: { name } })
  }
  for (const [name, nodeName] of [
    ['mine', 'node-1'],
    ['theirs', 'node-2'],
  ]) {
    const volumes = [
      { name: 'c', configMap: { name } },
      { name: 'p', projected: { sources: [{ secret: { name } }] } },
    ]
    const spec = { nodeName, serviceAccountName: name, containers: [{ name: 'c', image: 'x' }], volumes }
    const { body } = await post(`${inDefault}/pods`, { metadata: { name }, spec })
    uids[String(name)] = String(body.metadata?.['uid'])
  }
})

afterAll(() => api[Symbol.asyncDispose]())

const ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.as(agent)(method, path, body, headers)
const merge = { 'content-type': 'application/merge-patch+json' }

describe('an agent', () => {
  test.each([
    ['GET', `${inDefault}/configmaps/mine`],
    ['GET', `${inDefault}/secrets/mine`],
    ['GET', `${inDefault}/secrets?fieldSelector=metadata.name%3Dmine`],
    ['GET', `${inDefault}/pods/mine`],
    ['GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1'],
    ['GET', '/api/v1/nodes/node-1'],
    ['GET', '/api/v1/services'],
    // Of Fairway's own role: routes to the pods of others.
    ['GET', '/api/v1/nodes'],
  ])('may %s %s', async (method, path) => expect((await ask(method, path)).status).toBe(200))

  const noRelation = "no relationship found between node 'node-1' and this object"

  test.each([
    [`${inDefault}/configmaps/theirs`, noRelation],
    [`${inDefault}/secrets/theirs`, noRelation],
    [`${inDefault}/secrets/nobodys`, noRelation],
    [`${inDefault}/secrets/absent`, noRelation],
    [`${inDefault}/secrets`, 'No Object name found'],
    ['/api/v1/secrets', 'can only read namespaced object of this type'],
    [`${inDefault}/pods/theirs`, noRelation],
    ['/api/v1/pods', 'can only list/watch pods with spec.nodeName field selector'],
    ['/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-2', 'can only list/watch pods with spec.nodeName field selector'],
    [`${leases}/node-2`, 'can only access node lease with the same name as the requesting node'],
  ])('may not read %s', async (path, reason) => {
    const { status, body } = await ask('GET', path)
    expect(status).toBe(403)
    expect(body.message).toMatch(
      /^[a-z.0-9]+ ("[a-z0-9-]+" )?is forbidden: User "system:node:node-1" cannot (get|list)/,
    )
    expect(body.message?.endsWith(`: ${reason}`)).toBe(true)
  })

  test('keeps its own lease and no other', async () => {
    expect((await ask('POST', leases, { metadata: { name: 'node-1' } })).status).toBe(201)
    expect((await ask('POST', leases, { metadata: { name: 'node-2' } })).body.message).toBe(
      'leases.coordination.k8s.io "node-2" is forbidden: can only access node lease with the same name as the requesting node',
    )
  })

  test('writes its own node, but neither its taints nor labels that steer pods to it', async () => {
    const patch = (name: string, body: object) => ask('PATCH', `/api/v1/nodes/${name}`, body, merge)
    expect(
      (await patch('node-1', { metadata: { labels: { 'topology.kubernetes.io/zone': 'a', mine: 'x' } } })).status,
    ).toBe(200)
    const message = async (name: string, body: object) => (await patch(name, body)).body.message
    expect(await message('node-2', { metadata: { labels: { a: 'b' } } })).toBe(
      'nodes "node-2" is forbidden: node "node-1" is not allowed to modify node "node-2"',
    )
    expect(await message('node-1', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } })).toBe(
      'nodes "node-1" is forbidden: node "node-1" is not allowed to modify taints',
    )
    const labels = {
      'node-restriction.kubernetes.io/a': '1',
      'node-role.kubernetes.io/control-plane': '',
      'node.kubernetes.io/x': '',
    }
    expect(await message('node-1', { metadata: { labels } })).toBe(
      'nodes "node-1" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/a, node-role.kubernetes.io/control-plane',
    )
  })

  test('writes the status of its own pods', async () => {
    const patch = (name: string, body: object) => ask('PATCH', `${inDefault}/pods/${name}/status`, body, merge)
    expect((await patch('mine', { status: { phase: 'Running' } })).status).toBe(200)
    expect((await patch('theirs', { status: { phase: 'Running' } })).body.message).toBe(
      'pods "theirs" is forbidden: node "node-1" can only update pod status for pods with spec.nodeName set to itself',
    )
    expect((await ask('DELETE', `${inDefault}/pods/theirs`)).body.message).toBe(
      'pods "theirs" is forbidden: node "node-1" can only delete pods with spec.nodeName set to itself',
    )
  })

  test('creates mirror pods and no others', async () => {
    const spec = { nodeName: 'node-1', containers: [{ name: 'c', image: 'x' }] }
    const create = (metadata: object, more: object = {}) =>
      ask('POST', `${inDefault}/pods`, { metadata: { name: 'static', ...metadata }, spec: { ...spec, ...more } })
    const annotations = { 'kubernetes.io/config.mirror': 'x' }
    expect((await create({})).body.message).toBe(
      'pods "static" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "node-1" can only create mirror pods',
    )
    expect((await create({ annotations })).body.message).toMatch(
      /can only create pods with an owner reference set to itself$/,
    )
    const { body: node } = await ask('GET', '/api/v1/nodes/node-1')
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: node.metadata?.['uid'], controller: true }
    const owned = { annotations, ownerReferences: [owner] }
    expect((await create(owned, { volumes: [{ name: 'v', secret: { secretName: 's' } }] })).body.message).toMatch(
      /node "node-1" can not create pods that reference secrets$/,
    )
    const { status, body } = await create(owned)
    expect(status).toBe(201)
    expect(body['spec']).not.toHaveProperty('serviceAccountName')
  })

  test('gets tokens for its own pods, bound to them', async () => {
    const request = (account: string, boundObjectRef?: object) =>
      ask('POST', `${inDefault}/serviceaccounts/${account}/token`, {
        spec: { ...(boundObjectRef && { boundObjectRef }) },
      })
    const ref = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', name, uid: uids[name] })
    expect((await request('mine', ref('mine'))).status).toBe(201)
    expect((await request('mine')).body.message).toBe(
      'serviceaccounts "mine" is forbidden: node requested token not bound to a pod',
    )
    expect((await request('theirs', ref('theirs'))).body.message?.endsWith(noRelation)).toBe(true)
    expect((await request('mine', ref('theirs'))).body.message).toBe(
      'serviceaccounts "mine" is forbidden: node requested token bound to a pod scheduled on a different node',
    )
  })
})
