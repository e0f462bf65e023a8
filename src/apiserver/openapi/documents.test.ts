import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FakeClock } from '../../lib/clock.ts'
import { startTestServer, type TestServer } from '../test-server.ts'

const v2Protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
const v3Protobuf = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf'
const user = { name: 'tester', groups: ['system:masters'] }

let api: TestServer
beforeAll(async () => {
  api = await startTestServer({ clock: new FakeClock('2026-01-01T00:00:00Z') })
})
afterAll(() => api[Symbol.asyncDispose]())

async function get(path: string, headers: Record<string, string> = {}) {
  const { status, headers: answered, body } = await api.server.handle({ method: 'GET', path, headers }, user)
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return { status, headers: answered, bytes: Buffer.concat(chunks) }
}

describe.each([
  { path: '/openapi/v2', protobuf: v2Protobuf },
  { path: '/openapi/v3/api/v1', protobuf: v3Protobuf },
])('$path', ({ path, protobuf }) => {
  test.each([
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/json;q=0.9', 'application/json'],
    ['text/html, application/*', 'application/json'],
    [protobuf, protobuf],
    [protobuf.replace('.v1.0', '@v1.0'), protobuf],
    [`${protobuf}, application/json`, protobuf],
    [`${protobuf};q=0.5, application/json`, 'application/json'],
  ])('is answered to Accept: %s as %s', async (accept, type) => {
    const answer = await get(path, accept ? { accept } : {})
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': type, vary: 'Accept, Accept-Encoding' } })
    expect(answer.bytes[0] === '{'.charCodeAt(0)).toBe(type === 'application/json')
  })

  test('is refused in other types', async () => {
    expect(await get(path, { accept: 'text/html' })).toMatchObject({ status: 406 })
  })

  test('is not sent again to who has it', async () => {
    const { headers } = await get(path)
    const etag = headers['etag'] ?? ''
    for (const known of [etag, `"other", W/${etag}`, '*']) {
      expect(await get(path, { 'if-none-match': known })).toMatchObject({ status: 304, headers: { etag } })
    }
    expect(await get(path, { 'if-none-match': '"other"' })).toMatchObject({ status: 200 })
    expect((await get(path, { accept: protobuf })).headers['etag']).not.toBe(etag)
  })

  test('is the same when it is compressed', async () => {
    const small = await get(path, { 'accept-encoding': 'gzip' })
    expect(small.headers['content-encoding']).toBe('gzip')
    const plain = await get(path)
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(gunzipSync(small.bytes).equals(plain.bytes)).toBe(true)
  })
})

describe('the index of v3', () => {
  test('leads to every document, under a URL of its own that may be kept', async () => {
    const { paths } = JSON.parse(String((await get('/openapi/v3')).bytes)) as {
      paths: Record<string, { serverRelativeURL: string }>
    }
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api', 'api/v1', 'apis', 'apis/apps', 'apis/apps/v1']))
    for (const { serverRelativeURL } of Object.values(paths)) {
      const { status, headers } = await get(serverRelativeURL)
      expect([status, headers['cache-control']]).toEqual([200, 'public, immutable'])
      expect(headers['expires']).toBe('Fri, 01 Jan 2027 00:00:00 GMT')
    }
  })

  test('sends who has an old URL to the new one', async () => {
    const { status, headers } = await get('/openapi/v3/apis/apps/v1?hash=OLD')
    expect(status).toBe(301)
    expect(headers['location']).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/)
    expect(await get('/openapi/v3/apis/nowhere/v1')).toMatchObject({ status: 404 })
  })
})
