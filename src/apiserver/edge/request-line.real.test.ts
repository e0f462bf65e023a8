/** Requests as they are on the wire, and what Go's servers make of them. Needs loopback only. */
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HttpsTestServer, startHttpsTestServer } from '../test-https.ts'

let https: HttpsTestServer
beforeAll(async () => {
  https = await startHttpsTestServer()
})
afterAll(() => https[Symbol.asyncDispose]())

/** All that comes until the server closes the connection. */
function answerTo(head: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: https.port, servername: 'localhost', ...https.credentials })
  socket.write(`${head}\r\n\r\n`)
  return text(socket)
}

const request = (target: string, ...headers: string[]) =>
  answerTo([`GET ${target} HTTP/1.1`, 'host: localhost', 'connection: close', ...headers].join('\r\n'))

test.each(['https://localhost/version', 'http://elsewhere:80/version', 'HTTPS://localhost/%76ersion'])(
  'a whole URL is that of this server: %s',
  async (url) => {
    const answer = await request(url)
    expect(answer).toMatch(/^HTTP\/1.1 200 OK/)
    expect(answer).toContain('gitVersion')
  },
)

test.each(['/api/v1/namespaces/default/pods/%', '/%zz', 'https://localhost/%2'])(
  'a path with half an escape is none: %s',
  async (path) => {
    const answer = await request(path)
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/)
    expect(answer).toMatch(/content-type: text\/plain; charset=utf-8\r\n[^]*\r\n\r\n400 Bad Request$/)
  },
)

test.each(['nonsense', 'GET /version HTTP/1.1\r\nhost: localhost\r\nno header', 'GET /version HTTP/9.9'])(
  'what is no HTTP is told so: %j',
  async (head) => {
    const answer = await answerTo(head)
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[^]*\r\n\r\n400 Bad Request$/)
  },
)

test.each([
  'GRAB /api/v1/pods',
  'get /api/v1/pods',
  'CONNECT /api/v1/pods',
  'CONNECT localhost:443',
  'PURGE /api/v1/pods',
])('what nobody serves is told so: %s', async (line) => {
  const answer = await answerTo(`${line} HTTP/1.1\r\nhost: localhost\r\nconnection: close`)
  expect(answer).toMatch(/^HTTP\/1.1 405 Method Not Allowed\r\n/)
  expect(answer).toMatch(/content-type: application\/json\r\n/)
  expect(answer).toContain('"reason":"MethodNotAllowed"')
})

test('headers without end are told so', async () => {
  const answer = await request('/version', `long: ${'x'.repeat(1_100_000)}`)
  expect(answer).toMatch(
    /^HTTP\/1.1 431 Request Header Fields Too Large\r\n[^]*\r\n431 Request Header Fields Too Large$/,
  )
})

test('nonsense behind a request is not answered into the middle of what is being told', async () => {
  const watch = 'GET /api/v1/pods?watch=1 HTTP/1.1\r\nhost: localhost\r\n\r\n'
  const socket = connect({ host: '127.0.0.1', port: https.port, servername: 'localhost', ...https.credentials })
  socket.write(watch)
  const told: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (told.length === 0) socket.write('nonsense\r\n\r\n')
    told.push(chunk)
  }
  const text = Buffer.concat(told).toString()
  expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/)
  expect(text).not.toContain('400 Bad Request')
})

test('who sends far too much is told so, and may ask for something else behind it', async () => {
  const length = 20 * 1024 * 1024
  const post = `POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}`
  const get = 'GET /version HTTP/1.1\r\nhost: localhost\r\nconnection: close'
  const answers = await answerTo(`${post}\r\n\r\n${' '.repeat(length)}${get}`)
  expect(answers).toMatch(/^HTTP\/1.1 413 .*Request entity too large: limit is 3145728.*HTTP\/1.1 200 .*gitVersion/s)
})

test('an answer names its request, as the client does or by a name of its own', async () => {
  const uuid = /\r\naudit-id: [\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}\r\n/
  for (const path of ['/version', '/api/v1/pods', '/nowhere', '/api/v1/namespaces/x/services/web/proxy/']) {
    expect(await request(path)).toMatch(uuid)
  }
  expect(await request('/version', 'audit-id: mine')).toContain('\r\naudit-id: mine\r\n')
  const upgrade = ['GET /api/v1/nodes/x/log HTTP/1.1', 'host: localhost', 'connection: upgrade', 'upgrade: websocket']
  expect(await answerTo(upgrade.join('\r\n'))).toMatch(uuid)
})
