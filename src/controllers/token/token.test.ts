import { afterEach, expect, test } from 'vitest'
import { resources } from '../../client/resources.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { startTokenController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

const at = { namespace: 'demo', name: 'ci-token' }
const text = (base64 = '') => Buffer.from(base64, 'base64').toString()

async function begin() {
  harness = startHarness((ctx) =>
    startTokenController(ctx, { rootCa: 'PEM', sign: ({ name, uid }, secret) => `${name}/${uid}/${secret}` }),
  )
  const { api, quiet } = harness
  await api.create(resources.serviceAccounts, { metadata: { namespace: 'demo', name: 'ci' } })
  const annotations = { 'kubernetes.io/service-account.name': 'ci' }
  await api.create(resources.secrets, { metadata: { ...at, annotations }, type: 'kubernetes.io/service-account-token' })
  await quiet()
  const { uid } = (await api.get(resources.serviceAccounts, { namespace: 'demo', name: 'ci' })).metadata
  return { api, quiet, uid }
}

test('a secret for a token gets it, with certificate and namespace', async () => {
  const { api, uid } = await begin()
  const { data, metadata } = await api.get(resources.secrets, at)
  expect(metadata.annotations).toMatchObject({ 'kubernetes.io/service-account.uid': uid })
  expect([data?.['token'], data?.['ca.crt'], data?.['namespace']].map(text)).toEqual([
    `ci/${uid}/ci-token`,
    'PEM',
    'demo',
  ])
})

test('what is missing comes back; the token stays', async () => {
  const { api, quiet } = await begin()
  const before = await api.get(resources.secrets, at)
  await api.update(resources.secrets, { ...before, data: { token: before.data?.['token'] ?? '' } })
  await quiet()
  expect((await api.get(resources.secrets, at)).data).toEqual(before.data)
})

test('without its account it goes, also when there is another of that name', async () => {
  const { api, quiet } = await begin()
  await api.delete(resources.serviceAccounts, { namespace: 'demo', name: 'ci' })
  await quiet()
  expect(api.all(resources.secrets)).toEqual([])
})

test('other secrets are none of its business', async () => {
  const { api, quiet } = await begin()
  await api.create(resources.secrets, { metadata: { ...at, name: 'other' }, type: 'Opaque', data: { a: 'Yg==' } })
  await quiet()
  expect((await api.get(resources.secrets, { ...at, name: 'other' })).data).toEqual({ a: 'Yg==' })
})
