import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TokenRequestSpec } from '../../api/generated/authentication.k8s.io.v1.ts'
import { FakeClock } from '../../lib/clock.ts'
import { type Answer, startTestServer, type TestServer } from '../test-server.ts'

const accounts = '/api/v1/namespaces/default/serviceaccounts'
const pods = '/api/v1/namespaces/default/pods'

let clock: FakeClock
let api: TestServer

beforeEach(async () => {
  clock = new FakeClock()
  api = await startTestServer({ clock })
  await api.request('POST', accounts, { metadata: { name: 'ci' } })
})

afterEach(() => api[Symbol.asyncDispose]())

const request = (spec: TokenRequestSpec = {}, account = 'ci') =>
  api.request('POST', `${accounts}/${account}/token`, { spec })

async function tokenFor(spec?: TokenRequestSpec): Promise<string> {
  const { body } = await request(spec)
  return (body['status'] as { token: string }).token
}

/** What a TokenReview has against a token. */
async function review(token: string): Promise<string | undefined> {
  const { body } = await api.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })
  return (body['status'] as { error?: string }).error
}

const part = (token: string, i: number) =>
  JSON.parse(Buffer.from(token.split('.')[i] ?? '', 'base64url').toString()) as Record<string, unknown>

async function newPod(name: string, account = 'ci'): Promise<string> {
  const spec = { serviceAccountName: account, nodeName: 'node-1', containers: [{ name: 'c', image: 'x' }] }
  const made = await api.request('POST', pods, { metadata: { name }, spec })
  expect(made.status).toBe(201)
  return String(made.body.metadata?.['uid'])
}

const boundTo = (name: string, uid?: string): TokenRequestSpec => ({
  boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, ...(uid && { uid }) },
})

describe('a requested token', () => {
  test('names its account, the cluster and an hour', async () => {
    const { status, body } = await request()
    expect(status).toBe(201)
    const spec = { audiences: ['https://kubernetes.default.svc.cluster.local'], expirationSeconds: 3600 }
    expect(body).toMatchObject({ kind: 'TokenRequest', metadata: { name: 'ci', namespace: 'default' }, spec })
    const claims = part((body['status'] as { token: string }).token, 1)
    expect(claims).toMatchObject({
      iss: 'https://kubernetes.default.svc.cluster.local',
      sub: 'system:serviceaccount:default:ci',
      aud: spec.audiences,
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'ci' } },
    })
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(3600)
  })

  test('is signed so that others can verify it', async () => {
    const token = await tokenFor()
    const { body } = await api.request('GET', '/openid/v1/jwks')
    const { keys } = JSON.parse(String(body['text'])) as { keys: (JsonWebKey & { kid: string })[] }
    const jwk = keys.find(({ kid }) => kid === part(token, 0)['kid'])
    const key = { key: createPublicKey({ key: jwk!, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
    const [head = '', claims = '', signature = ''] = token.split('.')
    expect(verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true)
  })

  test('of a pod tells the pod and its node, and outlives its hour for clients that never renew', async () => {
    const uid = await newPod('web')
    const token = await tokenFor({ ...boundTo('web', uid), expirationSeconds: 3607 })
    const claims = part(token, 1)
    expect(claims['kubernetes.io']).toMatchObject({ pod: { name: 'web', uid }, node: { name: 'node-1' } })
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(365 * 24 * 3600)
    expect(await api.server.userOfToken(token)).toMatchObject({
      name: 'system:serviceaccount:default:ci',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/pod-name': ['web'],
        'authentication.kubernetes.io/pod-uid': [uid],
        'authentication.kubernetes.io/node-name': ['node-1'],
      },
    })
  })

  test.each<[string, () => Promise<Answer>, number, string]>([
    [
      'too short a life',
      () => request({ expirationSeconds: 599 }),
      422,
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    ],
    ['no such account', () => request({}, 'nobody'), 404, 'serviceaccounts "nobody" not found'],
    ['no such pod', () => request(boundTo('web')), 404, 'pods "web" not found'],
    [
      'something else to be bound to',
      () => request({ boundObjectRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' } }),
      400,
      'cannot bind token to object of type apps/v1, Kind=Deployment',
    ],
    [
      'another name',
      () => api.request('POST', `${accounts}/ci/token`, { metadata: { name: 'cd' } }),
      422,
      'TokenRequest.authentication.k8s.io "ci" is invalid: metadata.name: Invalid value: "cd": must match the service account name if specified',
    ],
  ])('is refused: %s', async (_, ask, status, message) => {
    expect(await ask()).toMatchObject({ status, body: { message } })
  })

  test('is refused for a pod of another account, or another pod of that name', async () => {
    await newPod('other', 'default')
    const uid = await newPod('web')
    expect((await request(boundTo('other'))).body.message).toBe(
      'cannot bind token for serviceaccount "ci" to pod running with different serviceaccount name.',
    )
    expect(await request(boundTo('web', `${uid}0`))).toMatchObject({ status: 409 })
  })
})

describe('a token in a secret', () => {
  test('counts as long as it stands there', async () => {
    const { body } = await api.request('GET', `${accounts}/ci`)
    const account = { namespace: 'default', name: 'ci', uid: String(body.metadata?.['uid']) }
    const token = api.server.signLegacyToken(account, 'ci-token')
    expect(await api.server.userOfToken(token)).toBeUndefined()
    const annotations = { 'kubernetes.io/service-account.name': 'ci' }
    const type = 'kubernetes.io/service-account-token'
    const secrets = '/api/v1/namespaces/default/secrets'
    const secret = { metadata: { name: 'ci-token', annotations }, type, stringData: { token } }
    await api.request('POST', secrets, secret)
    clock.advance(2 * 24 * 3600 * 1000)
    expect(await api.server.userOfToken(token)).toEqual({
      name: 'system:serviceaccount:default:ci',
      uid: account.uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: {},
    })
    const labels = async () => (await api.request('GET', `${secrets}/ci-token`)).body.metadata?.['labels']
    expect(await labels()).toEqual({ 'kubernetes.io/legacy-token-last-used': '2026-01-03' })
    clock.advance(24 * 3600 * 1000)
    expect(await api.server.userOfToken(token)).toBeDefined()
    expect(await labels()).toEqual({ 'kubernetes.io/legacy-token-last-used': '2026-01-04' })
    const invalid = { 'kubernetes.io/legacy-token-invalid-since': '2026-01-04' }
    await api.request('PUT', `${secrets}/ci-token`, { ...secret, metadata: { ...secret.metadata, labels: invalid } })
    expect(await api.server.userOfToken(token)).toBeUndefined()
    expect(await review(token)).toContain(
      'the token in secret default/ci-token for service account default/ci has been marked invalid. Use tokens from',
    )
    await api.request('PUT', `${secrets}/ci-token`, { ...secret, stringData: { token: 'another' } })
    expect(await api.server.userOfToken(token)).toBeUndefined()
    expect(await review(token)).toBe("[invalid bearer token, Token does not match server's copy]")
    await api.request('DELETE', `${secrets}/ci-token`)
    expect(await review(token)).toBe('[invalid bearer token, Token has been invalidated]')
  })
})

describe('a token is taken', () => {
  test('until it expires, with a minute for clocks that differ', async () => {
    const token = await tokenFor({ expirationSeconds: 600 })
    clock.advance(659_000)
    expect(await api.server.userOfToken(token)).toBeDefined()
    clock.advance(2_000)
    expect(await api.server.userOfToken(token)).toBeUndefined()
  })

  test('as long as its account is the same', async () => {
    const token = await tokenFor()
    expect(await api.server.userOfToken(token)).toBeDefined()
    await api.request('DELETE', `${accounts}/ci`)
    expect(await api.server.userOfToken(token)).toBeUndefined()
    await api.request('POST', accounts, { metadata: { name: 'ci' } })
    expect(await api.server.userOfToken(token)).toBeUndefined()
  })

  test('as long as its pod is there', async () => {
    const uid = await newPod('web')
    const token = await tokenFor(boundTo('web', uid))
    expect(await api.server.userOfToken(token)).toBeDefined()
    await api.request('DELETE', `${pods}/web`, { gracePeriodSeconds: 0 })
    expect(await api.server.userOfToken(token)).toBeUndefined()
    expect(await review(token)).toBe('[invalid bearer token, service account token has been invalidated]')
    const other = await newPod('web')
    expect(await review(token)).toBe(
      `[invalid bearer token, pod UID (${other}) does not match service account pod ref claim (${uid})]`,
    )
  })

  test('only for its audience', async () => {
    expect(await api.server.userOfToken(await tokenFor({ audiences: ['vault'] }))).toBeUndefined()
  })

  test('only as it was signed', async () => {
    const [head, claims, signature] = (await tokenFor()).split('.')
    const forged = { ...part(`.${claims}`, 1), sub: 'system:serviceaccount:kube-system:admin' }
    const text = Buffer.from(JSON.stringify(forged)).toString('base64url')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const token of [`${head}.${text}.${signature}`, `${none}.${claims}.`, `${none}.${claims}.x`, 'x', 'a.b.c']) {
      expect(await api.server.userOfToken(token)).toBeUndefined()
    }
    const broken = 'go-jose/go-jose: error in cryptographic primitive'
    expect(await review(`${head}.${text}.${signature}`)).toBe(`[invalid bearer token, ${broken}]`)
    const stranger = Buffer.from('{"alg":"ES256","kid":"x"}').toString('base64url')
    const unknown = '[invalid bearer token, invalid signature, no keys found]'
    expect(await review(`${stranger}.${claims}.${signature}`)).toBe(unknown)
  })
})
