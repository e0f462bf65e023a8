import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PolicyRule } from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import type { UserInfo } from '../handler.ts'
import { startTestServer, type TestServer } from '../test-server.ts'
import { rulesNotCovered } from './coverage.ts'

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const inDefault = `${rbac}/namespaces/default`
const readPods: PolicyRule = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }
const writeRoles: PolicyRule = {
  verbs: ['create', 'update', 'delete'],
  apiGroups: ['rbac.authorization.k8s.io'],
  resources: ['roles', 'rolebindings', 'clusterroles'],
}

let api: TestServer
let made = 0

beforeAll(async () => {
  api = await startTestServer()
})

afterAll(() => api[Symbol.asyncDispose]())

/** Somebody new who has these rules everywhere. */
async function userWith(...rules: PolicyRule[]): Promise<UserInfo> {
  const name = `user-${made++}`
  await api.request('POST', `${rbac}/clusterroles`, { metadata: { name }, rules })
  const subjects = [{ kind: 'User', name }]
  const roleRef = { kind: 'ClusterRole', name }
  await api.request('POST', `${rbac}/clusterrolebindings`, { metadata: { name }, roleRef, subjects })
  return { name, groups: ['system:authenticated'] }
}

const role = (name: string, rules: PolicyRule[]) => ({ metadata: { name }, rules })

test('a role with what its writer has is written, one with more is not', async () => {
  const user = await userWith(readPods, writeRoles)
  const write = (rules: PolicyRule[]) => api.as(user)('POST', `${inDefault}/roles`, role(`r-${made++}`, rules))
  expect((await write([readPods])).status).toBe(201)
  const { status, body } = await api.as(user)(
    'POST',
    `${inDefault}/roles`,
    role('more', [
      { verbs: ['list', 'delete', 'watch'], apiGroups: [''], resources: ['pods'] },
      { verbs: ['get'], apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['web'] },
    ]),
  )
  expect(status).toBe(403)
  expect(body.message).toBe(
    `roles.rbac.authorization.k8s.io "more" is forbidden: user "${user.name}" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n` +
      '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}\n' +
      '{APIGroups:["apps"], Resources:["deployments"], ResourceNames:["web"], Verbs:["get"]}',
  )
})

test('a role is not made to grant more later on', async () => {
  const user = await userWith(readPods, writeRoles)
  await api.as(user)('POST', `${inDefault}/roles`, role('grows', [readPods]))
  const grown = role('grows', [{ ...readPods, verbs: ['*'] }])
  expect((await api.as(user)('PUT', `${inDefault}/roles/grows`, grown)).status).toBe(403)
})

test('who may escalate writes any role', async () => {
  const user = await userWith(writeRoles, { ...writeRoles, verbs: ['escalate'], resources: ['roles'] })
  expect((await api.as(user)('POST', `${inDefault}/roles`, role('any', [readPods]))).status).toBe(201)
})

test('aggregation is for who may do everything', async () => {
  const aggregating = {
    metadata: { name: 'aggregating' },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
  }
  const user = await userWith(writeRoles)
  const { status, body } = await api.as(user)('POST', `${rbac}/clusterroles`, aggregating)
  expect({ status, message: body.message }).toEqual({
    status: 403,
    message:
      'clusterroles.rbac.authorization.k8s.io "aggregating" is forbidden: must have cluster-admin privileges to use an aggregationRule',
  })
  const admin = await userWith(
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
    { verbs: ['*'], nonResourceURLs: ['*'] },
  )
  expect((await api.as(admin)('POST', `${rbac}/clusterroles`, aggregating)).status).toBe(201)
})

test('a binding gives what its writer has, or may bind', async () => {
  await api.request('POST', `${inDefault}/roles`, role('reader', [readPods]))
  const bind = (user: UserInfo, name: string, to = 'reader') => {
    const binding = { metadata: { name }, roleRef: { kind: 'Role', name: to }, subjects: [{ kind: 'User', name: 'x' }] }
    return api.as(user)('POST', `${inDefault}/rolebindings`, binding)
  }
  expect((await bind(await userWith(writeRoles), 'a')).body.message).toMatch(
    /^rolebindings\.rbac\.authorization\.k8s\.io "a" is forbidden: user "user-\d+" \(groups=\["system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\[""\], Resources:\["pods"\], Verbs:\["get" "list"\]\}$/,
  )
  expect((await bind(await userWith(writeRoles, readPods), 'b')).status).toBe(201)
  const binder = await userWith(writeRoles, {
    ...writeRoles,
    verbs: ['bind'],
    resources: ['roles'],
    resourceNames: ['reader'],
  })
  expect((await bind(binder, 'c')).status).toBe(201)
  expect(await bind(await userWith(writeRoles), 'd', 'gone')).toMatchObject({
    status: 404,
    body: { message: 'roles.rbac.authorization.k8s.io "gone" not found' },
  })
})

test('roles of the start come back, but not into those that are somebody’s own', async () => {
  const path = `${rbac}/clusterroles/system:basic-user`
  const before = (await api.request('GET', path)).body
  await api.request('PUT', path, { ...before, rules: [readPods] })
  const own = `${rbac}/clusterroles/system:discovery`
  const { body } = await api.request('GET', own)
  const metadata = { ...body.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } }
  await api.request('PUT', own, { ...body, metadata, rules: [] })
  await api.request('DELETE', `${rbac}/clusterroles/view`)
  const again = await api.restart()
  const restored = (await again('GET', path)).body['rules'] as PolicyRule[]
  expect(rulesNotCovered(restored, [readPods, ...(before['rules'] as PolicyRule[])])).toEqual([])
  expect((await again('GET', own)).body['rules'] ?? []).toEqual([])
  expect((await again('GET', `${rbac}/clusterroles/view`)).status).toBe(200)
})
