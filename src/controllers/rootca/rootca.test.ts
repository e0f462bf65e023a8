import { afterEach, expect, test } from 'vitest'
import { resources } from '../../client/resources.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { startRootCaPublisher } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())
const begin = () => (harness = startHarness((ctx) => startRootCaPublisher(ctx, 'PEM')))
const at = { namespace: 'demo', name: 'kube-root-ca.crt' }

test('every namespace gets the certificate, also those that come later', async () => {
  const { api, quiet } = begin()
  await api.create(resources.namespaces, { metadata: { name: 'demo' } })
  await quiet()
  const { data, metadata } = await api.get(resources.configMaps, at)
  expect(data).toEqual({ 'ca.crt': 'PEM' })
  expect(metadata.annotations?.['kubernetes.io/description']).toMatch(/^Contains a CA bundle/)
})

test('it comes back when it is deleted or changed', async () => {
  const { api, quiet } = begin()
  await api.create(resources.namespaces, { metadata: { name: 'demo' } })
  await quiet()
  await api.delete(resources.configMaps, at)
  await quiet()
  const again = await api.get(resources.configMaps, at)
  await api.update(resources.configMaps, { ...again, data: { 'ca.crt': 'other', more: 'x' } })
  await quiet()
  expect((await api.get(resources.configMaps, at)).data).toEqual({ 'ca.crt': 'PEM' })
})

test('other config maps are none of its business', async () => {
  const { api, quiet } = begin()
  await api.create(resources.namespaces, { metadata: { name: 'demo' } })
  await api.create(resources.configMaps, { metadata: { ...at, name: 'other' }, data: { 'ca.crt': 'mine' } })
  await quiet()
  expect((await api.get(resources.configMaps, { ...at, name: 'other' })).data).toEqual({ 'ca.crt': 'mine' })
})
