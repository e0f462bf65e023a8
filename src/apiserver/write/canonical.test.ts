import { expect, test } from 'vitest'
import { startTestServer } from '../test-server.ts'

test('Endpoints are stored with their subsets repacked, on create and on update', async () => {
  await using api = await startTestServer()
  const path = '/api/v1/namespaces/default/endpoints'
  const subsets = [
    { addresses: [{ ip: '10.0.0.2' }], ports: [{ port: 80 }] },
    { addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] },
  ]
  const packed = [{ addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 80, protocol: 'TCP' }] }]
  const created = await api.request('POST', path, { metadata: { name: 'web' }, subsets })
  expect(created.body['subsets']).toEqual(packed)
  const updated = await api.request('PUT', `${path}/web`, { metadata: { name: 'web' }, subsets: subsets.reverse() })
  expect(updated.body['subsets']).toEqual(packed)
  expect(updated.body.metadata?.['resourceVersion']).toBe(created.body.metadata?.['resourceVersion'])
})
