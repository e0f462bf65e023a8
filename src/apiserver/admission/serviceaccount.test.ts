import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Pod, PodSpec, Volume } from '../../api/generated/v1.ts'
import { FakeClock } from '../../lib/clock.ts'
import { startTestServer, type TestServer } from '../test-server.ts'

const inDefault = '/api/v1/namespaces/default'
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'

let api: TestServer
let clock: FakeClock

beforeEach(async () => {
  clock = new FakeClock()
  api = await startTestServer({ clock, disableAdmissionPlugins: [] })
})

afterEach(() => api[Symbol.asyncDispose]())

const account = (name: string, more: object = {}) =>
  api.request('POST', `${inDefault}/serviceaccounts`, { metadata: { name }, ...more })

let made = 0

function create(spec: Partial<PodSpec> = {}, metadata: object = {}) {
  const containers = [{ name: 'c', image: 'x' }]
  const pod = { metadata: { name: `p-${made++}`, ...metadata }, spec: { containers, ...spec } }
  return api.request('POST', `${inDefault}/pods`, pod)
}

async function specOf(spec?: Partial<PodSpec>): Promise<PodSpec> {
  const { status, body } = await create(spec)
  expect(status).toBe(201)
  return (body as unknown as Pod).spec!
}

const tokenVolumes = ({ volumes = [] }: PodSpec): Volume[] =>
  volumes.filter(({ name }) => name.startsWith('kube-api-access-'))

describe('a pod', () => {
  test('gets its account, and that account’s token in every container', async () => {
    await account('default')
    const spec = await specOf({ initContainers: [{ name: 'i', image: 'x' }] })
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' })
    const [volume] = tokenVolumes(spec)
    expect(volume?.name).toMatch(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    expect(volume?.projected).toEqual({
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    })
    const mounts = [{ name: volume?.name, readOnly: true, mountPath }]
    expect([...(spec.initContainers ?? []), ...spec.containers].map((c) => c.volumeMounts)).toEqual([mounts, mounts])
  })

  test('keeps what it mounts there itself, and a token volume that it has', async () => {
    await account('default')
    const own = { name: 'own', mountPath }
    const mounted = await specOf({
      containers: [{ name: 'c', image: 'x', volumeMounts: [own] }],
      volumes: [{ name: 'own', emptyDir: {} }],
    })
    expect(tokenVolumes(mounted)).toEqual([])
    const known: Volume = {
      name: 'kube-api-access-mine1',
      projected: { sources: [{ serviceAccountToken: { path: 'token' } }] },
    }
    const given = await specOf({ volumes: [known] })
    expect(tokenVolumes(given).map(({ name }) => name)).toEqual(['kube-api-access-mine1'])
    expect(given.containers[0]?.volumeMounts?.[0]?.name).toBe('kube-api-access-mine1')
  })

  test.each([
    ['its account does not want it', false, undefined, 0],
    ['it does not want it itself', undefined, false, 0],
    ['it wants it, whatever its account says', false, true, 1],
  ])('has a token, or none: %s', async (_, ofAccount, ofPod, volumes) => {
    await account('default', ofAccount === undefined ? {} : { automountServiceAccountToken: ofAccount })
    const spec = await specOf(ofPod === undefined ? {} : { automountServiceAccountToken: ofPod })
    expect(tokenVolumes(spec)).toHaveLength(volumes)
  })

  test('pulls with its account’s secrets, unless it names its own', async () => {
    await account('default', { imagePullSecrets: [{ name: 'registry' }] })
    expect((await specOf()).imagePullSecrets).toEqual([{ name: 'registry' }])
    expect((await specOf({ imagePullSecrets: [{ name: 'own' }] })).imagePullSecrets).toEqual([{ name: 'own' }])
  })

  test('uses its account’s secrets and no others, where the account insists', async () => {
    const made = await account('default', {
      metadata: { name: 'default', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
      secrets: [{ name: 'known' }],
    })
    expect(made.headers['warning']).toBe(
      '299 - "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"',
    )
    const volume = (secretName: string) => ({ volumes: [{ name: 'v', secret: { secretName } }] })
    const why = async (spec: Partial<PodSpec>) => (await create(spec)).body.message?.replace(/^.* is forbidden: /, '')
    expect((await create(volume('known'))).status).toBe(201)
    const because = 'is not allowed because service account default does not reference that'
    expect(await why(volume('other'))).toBe(`volume with secret.secretName="other" ${because} secret`)
    const env = [{ name: 'E', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }]
    expect(await why({ containers: [{ name: 'c', image: 'x', env }] })).toBe(
      `container c with envVar E referencing secret.secretName="other" ${because} secret`,
    )
    const pod = (await create()).body
    const ephemeralContainers = [{ name: 'look', image: 'x', env }]
    const path = `${inDefault}/pods/${String(pod.metadata?.['name'])}/ephemeralcontainers`
    const merge = { 'content-type': 'application/strategic-merge-patch+json' }
    const looking = await api.request('PATCH', path, { spec: { ephemeralContainers } }, merge)
    expect(looking.body.message).toContain(
      `ephemeral container look with envVar E referencing secret.secretName="other" ${because} secret`,
    )
    expect(await why({ imagePullSecrets: [{ name: 'other' }] })).toBe(
      `imagePullSecrets[0].name="other" ${because} imagePullSecret`,
    )
  })

  test('of an account that is not there is refused, by the name it would get', async () => {
    expect(
      (await create({ serviceAccountName: 'nobody' }, { name: undefined, generateName: 'web-' })).body.message,
    ).toBe(
      'pods "web-" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
    )
  })

  test('waits a little for the account that every namespace gets', async () => {
    const early = create()
    await account('default')
    expect((await early).status).toBe(201)
  })

  test('does not wait for it forever', async () => {
    const early = create()
    const ticks = setInterval(() => clock.advance(500), 1)
    expect((await early).body.message).toMatch(/serviceaccount "default" not found$/)
    clearInterval(ticks)
  })
})

describe('a mirror pod', () => {
  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } }

  test('is stored as it comes', async () => {
    const { status, body } = await create({}, mirror)
    expect(status).toBe(201)
    expect((body as unknown as Pod).spec).not.toHaveProperty('serviceAccountName')
    expect((body as unknown as Pod).spec).not.toHaveProperty('volumes')
  })

  test.each<[Partial<PodSpec>, string]>([
    [{ serviceAccountName: 'default' }, 'a mirror pod may not reference service accounts'],
    [{ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, 'a mirror pod may not reference secrets'],
    [
      { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
      'a mirror pod may not use service account token volume projections',
    ],
  ])('refers to nothing: %j', async (spec, why) => {
    const { status, body } = await create(spec, mirror)
    expect([status, body.message?.replace(/^.* is forbidden: /, '')]).toEqual([403, why])
  })
})
