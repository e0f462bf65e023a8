import { expect, test } from 'vitest'
import { startTestServer } from '../test-server.ts'

test('a generated name is there when the rest of the object is made from it', async () => {
  await using server = await startTestServer()
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'pi', image: 'perl' }] } }
  const job = { metadata: { generateName: 'pi-' }, spec: { template } }
  const { status, body } = await server.request('POST', '/apis/batch/v1/namespaces/default/jobs', job)
  expect(status).toBe(201)
  const { name } = body.metadata ?? {}
  expect(name).toMatch(/^pi-.{5}$/)
  expect(body.metadata?.['labels']).toMatchObject({ 'batch.kubernetes.io/job-name': name, 'job-name': name })
})

test('what exists is told to the first request of a server, too', async () => {
  await using server = await startTestServer()
  const answer = await server.request('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
  expect(answer).toMatchObject({ status: 409, body: { message: 'namespaces "default" already exists' } })
})
