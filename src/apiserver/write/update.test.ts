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

test('when an object came and when it goes is not a client’s to say, and no reason to refuse it', async () => {
  await using server = await startTestServer()
  const { body } = await server.request('POST', collection, { metadata: { name: 'a', finalizers: ['a.b/c'] } })
  const creationTimestamp = body.metadata?.['creationTimestamp']
  const send = (metadata: object) => server.request('PUT', `${collection}/a`, { metadata: { name: 'a', ...metadata } })
  const older = { creationTimestamp: '2020-01-01T00:00:00Z', finalizers: ['a.b/c'] }
  expect(await send(older)).toMatchObject({ status: 200, body: { metadata: { creationTimestamp } } })
  await server.request('DELETE', `${collection}/a`)
  const going = await send({ ...older, deletionTimestamp: '2020-01-01T00:00:00Z', labels: { last: 'words' } })
  expect(going).toMatchObject({ status: 200, body: { metadata: { creationTimestamp, labels: { last: 'words' } } } })
  expect(going.body.metadata?.['deletionTimestamp']).not.toBe('2020-01-01T00:00:00Z')
})
