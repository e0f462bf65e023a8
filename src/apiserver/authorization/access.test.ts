import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PolicyRule, Subject } from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import type { UserInfo } from '../handler.ts'
import { startTestServer, type TestServer } from '../test-server.ts'

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const jane: UserInfo = { name: 'jane', groups: ['devs', 'system:authenticated'] }
const nobody: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
const account: UserInfo = {
  name: 'system:serviceaccount:default:ci',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
}

let api: TestServer

beforeAll(async () => {
  api = await startTestServer()
  await api.request('POST', '/api/v1/namespaces', { metadata: { name: 'demo' } })
})

afterAll(() => api[Symbol.asyncDispose]())

let made = 0

/** Gives the subject a new role with these rules: in a namespace, or in the whole cluster. */
async function grant(subject: Subject, rules: PolicyRule[], namespace?: string): Promise<void> {
  const name = `role-${made++}`
  const scope = namespace ? `${rbac}/namespaces/${namespace}/` : `${rbac}/cluster`
  const kind = namespace ? 'Role' : 'ClusterRole'
  const role = await api.request('POST', `${scope}roles`, { metadata: { name }, rules })
  const roleRef = { kind, name }
  const binding = await api.request('POST', `${scope}rolebindings`, {
    metadata: { name },
    roleRef,
    subjects: [subject],
  })
  expect([role.status, binding.status]).toEqual([201, 201])
}

const services = (namespace: string) => `/api/v1/namespaces/${namespace}/services`

describe('who was granted nothing', () => {
  test.each<[string, UserInfo, string, string, string]>([
    [
      'may not list in a namespace',
      jane,
      'GET',
      services('default'),
      'services is forbidden: User "jane" cannot list resource "services" in API group "" in the namespace "default"',
    ],
    [
      'nor in the cluster',
      jane,
      'GET',
      '/apis/apps/v1/deployments?watch=1',
      'deployments.apps is forbidden: User "jane" cannot watch resource "deployments" in API group "apps" at the cluster scope',
    ],
    [
      'nor get',
      jane,
      'GET',
      `${services('default')}/web`,
      'services "web" is forbidden: User "jane" cannot get resource "services" in API group "" in the namespace "default"',
    ],
    [
      'nor look at the namespace itself',
      jane,
      'GET',
      '/api/v1/namespaces/default',
      'namespaces "default" is forbidden: User "jane" cannot get resource "namespaces" in API group "" in the namespace "default"',
    ],
    [
      'nor write a subresource',
      jane,
      'PUT',
      `${services('default')}/web/status`,
      'services "web" is forbidden: User "jane" cannot update resource "services/status" in API group "" in the namespace "default"',
    ],
    [
      'nor delete all',
      jane,
      'DELETE',
      services('default'),
      'services is forbidden: User "jane" cannot deletecollection resource "services" in API group "" in the namespace "default"',
    ],
    [
      'nor learn what is not served',
      jane,
      'GET',
      '/apis/example.com/v1/namespaces/default/things/x',
      'things.example.com "x" is forbidden: User "jane" cannot get resource "things" in API group "example.com" in the namespace "default"',
    ],
    ['nor read metrics', jane, 'GET', '/metrics', 'forbidden: User "jane" cannot get path "/metrics"'],
    [
      'nor discover, without a name',
      nobody,
      'GET',
      '/api',
      'forbidden: User "system:anonymous" cannot get path "/api"',
    ],
    [
      'nor list, without a name',
      nobody,
      'GET',
      '/api/v1/pods',
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    ],
  ])('%s', async (_, user, method, path, message) => {
    const { status, body } = await api.as(user)(method, path, method === 'PUT' ? {} : undefined)
    expect({ status, body }).toMatchObject({ status: 403, body: { reason: 'Forbidden', message } })
  })

  test('is counted like everybody', async () => {
    await api.as(jane)('GET', '/api/v1/secrets')
    const { body } = await api.request('GET', '/metrics')
    expect(body['text']).toMatch(/^apiserver_request_total\{code="403",.*resource="secrets",.*verb="LIST".*\} 1$/m)
  })

  test.each([
    ['/version', jane],
    ['/version', nobody],
    ['/healthz', nobody],
    ['/livez', nobody],
    ['/readyz', nobody],
    ['/readyz/poststarthook/rbac/bootstrap-roles', { name: 'm', groups: ['system:monitoring'] }],
    ['/apis', jane],
    ['/api/v1', jane],
    ['/openapi/v3', jane],
    ['/openid/v1/jwks', account],
  ])('may still read %s', async (path, user) => {
    expect((await api.as(user)('GET', path)).status).toBe(200)
  })
})

describe('a grant', () => {
  const read: PolicyRule = { verbs: ['get', 'list'], apiGroups: [''], resources: ['configmaps'] }
  const configMaps = (namespace: string) => `/api/v1/namespaces/${namespace}/configmaps`

  test('of a Role counts in its namespace, from when it is made', async () => {
    const user = { ...jane, name: 'ann' }
    expect((await api.as(user)('GET', configMaps('demo'))).status).toBe(403)
    await grant({ kind: 'User', name: 'ann' }, [read], 'demo')
    expect((await api.as(user)('GET', configMaps('demo'))).status).toBe(200)
    expect((await api.as(user)('GET', configMaps('default'))).status).toBe(403)
    expect((await api.as(user)('GET', '/api/v1/configmaps')).status).toBe(403)
    expect((await api.as(user)('POST', configMaps('demo'), { metadata: { name: 'x' } })).status).toBe(403)
  })

  test('of a ClusterRole counts everywhere, for a group too', async () => {
    const user = { name: 'bob', groups: ['readers'] }
    await grant({ kind: 'Group', name: 'readers' }, [read])
    for (const path of [configMaps('demo'), '/api/v1/configmaps']) {
      expect((await api.as(user)('GET', path)).status).toBe(200)
    }
  })

  test('to a service account counts for the user that it is', async () => {
    await grant({ kind: 'ServiceAccount', name: 'ci', namespace: 'default' }, [read], 'demo')
    expect((await api.as(account)('GET', configMaps('demo'))).status).toBe(200)
  })

  test('of one object by name is for that object, also listed by its name', async () => {
    const user = { name: 'eve', groups: [] }
    await grant({ kind: 'User', name: 'eve' }, [{ ...read, resourceNames: ['one'] }], 'demo')
    await api.request('POST', configMaps('demo'), { metadata: { name: 'one' } })
    const statuses = await Promise.all(
      ['/one', '/two', '', '?fieldSelector=metadata.name%3Done', '?fieldSelector=metadata.name%3Dtwo'].map(
        async (rest) => (await api.as(user)('GET', `${configMaps('demo')}${rest}`)).status,
      ),
    )
    expect(statuses).toEqual([200, 403, 403, 200, 403])
  })

  test('ends with its binding', async () => {
    const user = { name: 'tom', groups: [] }
    await grant({ kind: 'User', name: 'tom' }, [read], 'demo')
    expect((await api.as(user)('GET', configMaps('demo'))).status).toBe(200)
    await api.request('DELETE', `${rbac}/namespaces/demo/rolebindings/role-${made - 1}`)
    expect((await api.as(user)('GET', configMaps('demo'))).status).toBe(403)
  })

  test('of a role that nobody made is told as the reason', async () => {
    const binding = { metadata: { name: 'lost' }, roleRef: { kind: 'Role', name: 'gone' } }
    const subjects = [{ kind: 'User', name: 'sue' }]
    await api.request('POST', `${rbac}/namespaces/demo/rolebindings`, { ...binding, subjects })
    const { body } = await api.as({ name: 'sue', groups: [] })('GET', configMaps('demo'))
    expect(body.message).toMatch(/in the namespace "demo": RBAC: role\.rbac\.authorization\.k8s\.io "gone" not found$/)
  })
})

test('an update that creates takes the right to create', async () => {
  const path = `${rbac}/namespaces/demo/roles/put`
  const rule = (...verbs: string[]) => ({ verbs, apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'] })
  await grant({ kind: 'User', name: 'updater' }, [rule('update')], 'demo')
  const put = () => api.as({ name: 'updater', groups: [] })('PUT', path, { metadata: { name: 'put' } })
  expect((await put()).body.message).toBe(
    'roles.rbac.authorization.k8s.io "put" is forbidden: User "updater" cannot create resource "roles" in API group "rbac.authorization.k8s.io" in the namespace "demo"',
  )
  await grant({ kind: 'User', name: 'updater' }, [rule('create')], 'demo')
  expect((await put()).status).toBe(201)
})

describe('impersonation', () => {
  const as = (user: UserInfo, headers: Record<string, string>, path = services('default')) =>
    api.as(user)('GET', path, undefined, headers)

  test('makes the request that of the other user', async () => {
    const { body } = await as({ name: 'admin', groups: ['system:masters'] }, { 'impersonate-user': 'jane' })
    expect(body.message).toMatch(/^services is forbidden: User "jane" cannot list/)
  })

  test('of a group gives what the group has', async () => {
    await grant({ kind: 'Group', name: 'viewers' }, [{ verbs: ['list'], apiGroups: [''], resources: ['services'] }])
    const headers = { 'impersonate-user': 'x', 'impersonate-group': 'viewers, others' }
    expect((await as({ name: 'admin', groups: ['system:masters'] }, headers)).status).toBe(200)
  })

  test.each([
    [
      { 'impersonate-user': 'x' },
      'users "x" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      { 'impersonate-user': 'system:serviceaccount:default:ci' },
      'serviceaccounts "ci" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
    ],
  ])('is refused without the right to it: %j', async (headers, message) => {
    expect(await as(jane, headers)).toMatchObject({ status: 403, body: { message } })
  })

  test('is asked for each part', async () => {
    const rules = [{ verbs: ['impersonate'], apiGroups: [''], resources: ['users'] }]
    await grant({ kind: 'User', name: 'actor' }, rules)
    const actor = { name: 'actor', groups: [] }
    const groups = await as(actor, { 'impersonate-user': 'x', 'impersonate-group': 'g' })
    expect(groups.body.message).toMatch(/^groups "g" is forbidden: User "actor" cannot impersonate resource "groups"/)
    const extra = await as(actor, { 'impersonate-user': 'x', 'impersonate-extra-scopes': 'view' })
    expect(extra.body.message).toMatch(
      /^userextras.authentication.k8s.io "view" is forbidden: User "actor" cannot impersonate resource "userextras\/scopes" in API group "authentication.k8s.io"/,
    )
  })
})
