import { expect, test } from 'vitest'
import { startTestServer } from '../test-server.ts'

const collection = '/api/v1/namespaces/default/configmaps'

test.each([
  ['no name', {}, 'the name of the object (a based on URL) was undeterminable: name must be provided'],
  ['another name', { name: 'b' }, 'the name of the object (b) does not match the name on the URL (a)'],
  [
    'another namespace',
    { name: 'a', namespace: 'other' },
    'the namespace of the provided object does not match the namespace sent on the request',
  ],
])('an update is for the object of its URL, whether there is one or not: %s', async (_, metadata, message) => {
  await using server = await startTestServer()
  const update = () => server.request('PUT', `${collection}/a`, { metadata })
  expect(await update()).toMatchObject({ status: 400, body: { reason: 'BadRequest', message } })
  await server.request('POST', collection, { metadata: { name: 'a' } })
  expect(await update()).toMatchObject({ status: 400, body: { reason: 'BadRequest', message } })
})
