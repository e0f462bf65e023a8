import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import type { UserInfo } from '../handler.ts'
import { startTestServer, type TestServer } from '../test-server.ts'

const group = '/apis/authorization.k8s.io/v1'
const authentication = '/apis/authentication.k8s.io/v1'
const rbac = '/apis/rbac.authorization.k8s.io/v1'
const jane: UserInfo = { name: 'jane', groups: ['devs', 'system:authenticated'] }

let api: TestServer
let clock: FakeClock

beforeAll(async () => {
  clock = new FakeClock()
  api = await startTestServer({ clock })
  await api.request('POST', `${rbac}/namespaces/default/rolebindings`, {
    metadata: { name: 'janes' },
    roleRef: { kind: 'ClusterRole', name: 'system:aggregate-to-view' },
    subjects: [{ kind: 'User', name: 'jane' }],
  })
})

afterAll(() => api[Symbol.asyncDispose]())

const listPods = { verb: 'list', resource: 'pods', namespace: 'default' }

describe('access', () => {
  const allowed = {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "janes/default" of ClusterRole "system:aggregate-to-view" to User "jane"',
  }

  test.each([
    ['one may', { resourceAttributes: listPods }, allowed],
    ['one may not', { resourceAttributes: { ...listPods, verb: 'create' } }, { allowed: false }],
    ['in another namespace', { resourceAttributes: { ...listPods, namespace: 'demo' } }, { allowed: false }],
    ['a path', { nonResourceAttributes: { verb: 'get', path: '/metrics' } }, { allowed: false }],
  ])('is told to who asks for himself: %s', async (_, spec, status) => {
    const answer = await api.as(jane)('POST', `${group}/selfsubjectaccessreviews`, { spec })
    expect(answer).toMatchObject({ status: 201, body: { kind: 'SelfSubjectAccessReview', metadata: {}, spec } })
    expect(answer.body['status']).toEqual(status)
  })

  test('of others is told to who may ask', async () => {
    const spec = { user: 'jane', groups: [], resourceAttributes: listPods }
    const path = `${group}/subjectaccessreviews`
    expect((await api.request('POST', path, { spec })).body['status']).toEqual(allowed)
    expect((await api.as(jane)('POST', path, { spec })).status).toBe(403)
    const local = `${group}/namespaces/default/localsubjectaccessreviews`
    expect((await api.request('POST', local, { spec })).body['status']).toEqual(allowed)
  })

  test.each([
    [
      'selfsubjectaccessreviews',
      {},
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      'subjectaccessreviews',
      { resourceAttributes: listPods },
      'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
    ],
    [
      'namespaces/demo/localsubjectaccessreviews',
      { user: 'jane', resourceAttributes: listPods },
      'LocalSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "default": must match metadata.namespace',
    ],
  ])('is not told to a bad question to %s', async (resource, spec, message) => {
    expect(await api.request('POST', `${group}/${resource}`, { spec })).toMatchObject({
      status: 422,
      body: { message },
    })
  })

  test('as a list has the rules of all grants', async () => {
    const path = `${group}/selfsubjectrulesreviews`
    const { status, body } = await api.as(jane)('POST', path, { spec: { namespace: 'default' } })
    expect(status).toBe(201)
    expect(body['status']).toMatchObject({ incomplete: false })
    const { resourceRules, nonResourceRules } = body['status'] as Record<string, unknown[]>
    expect(resourceRules).toContainEqual({
      verbs: ['get', 'list', 'watch'],
      apiGroups: ['discovery.k8s.io'],
      resources: ['endpointslices'],
    })
    expect(nonResourceRules).toContainEqual({
      verbs: ['get'],
      nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'],
    })
  })

  test('of an agent cannot be listed whole', async () => {
    const agent = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] }
    const { body } = await api.as(agent)('POST', `${group}/selfsubjectrulesreviews`, { spec: { namespace: 'default' } })
    const evaluationError = 'node authorizer does not support user rule resolution'
    expect(body['status']).toMatchObject({ incomplete: true, evaluationError })
  })
})

describe('identity', () => {
  test('is told to who asks, as it is after impersonation', async () => {
    const path = `${authentication}/selfsubjectreviews`
    const own = await api.as({ ...jane, uid: '7', extra: { a: ['b'] } })('POST', path, {})
    const userInfo = { username: 'jane', uid: '7', groups: jane.groups, extra: { a: ['b'] } }
    expect(own).toMatchObject({ status: 201, body: { kind: 'SelfSubjectReview', status: { userInfo } } })
    const other = await api.request('POST', path, {}, { 'impersonate-user': 'joe' })
    expect(other.body['status']).toEqual({ userInfo: { username: 'joe', groups: ['system:authenticated'] } })
  })

  test('of a token is told to who may ask', async () => {
    const accounts = '/api/v1/namespaces/default/serviceaccounts'
    const made = await api.request('POST', accounts, { metadata: { name: 'ci' } })
    const request = await api.request('POST', `${accounts}/ci/token`, { spec: { audiences: ['vault'] } })
    const { token } = request.body['status'] as { token: string }
    const review = (spec: object) => api.request('POST', `${authentication}/tokenreviews`, { spec })
    const good = await review({ token, audiences: ['vault', 'other'] })
    expect(good.body['status']).toMatchObject({
      authenticated: true,
      audiences: ['vault'],
      user: { username: 'system:serviceaccount:default:ci', uid: made.body.metadata?.['uid'] },
    })
    const issuer = 'https://kubernetes.default.svc.cluster.local'
    expect((await review({ token })).body['status']).toEqual({
      user: {},
      error: `[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["${issuer}"]]`,
    })
    expect((await review({ token: 'x' })).body['status']).toEqual({ user: {}, error: 'invalid bearer token' })
    clock.advance(2 * 3600 * 1000)
    expect((await review({ token, audiences: ['vault'] })).body['status']).toEqual({
      user: {},
      error: '[invalid bearer token, service account token has expired]',
    })
    // The audience is looked at first.
    expect((await review({ token })).body['status']).toMatchObject({ error: expect.stringContaining('audiences') })
    expect((await review({})).body.message).toBe('token is required for TokenReview in authentication')
  })
})

test('reviews are created and nothing else', async () => {
  expect((await api.request('GET', `${group}/selfsubjectaccessreviews`)).status).toBe(405)
  const { body } = await api.request('GET', group)
  expect((body['resources'] as { name: string; verbs: string[] }[]).map(({ name, verbs }) => [name, verbs])).toEqual([
    ['localsubjectaccessreviews', ['create']],
    ['selfsubjectaccessreviews', ['create']],
    ['selfsubjectrulesreviews', ['create']],
    ['subjectaccessreviews', ['create']],
  ])
})
