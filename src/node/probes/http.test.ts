import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { runProbe } from './check.ts'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function probe(path: string, listener: RequestListener, timeoutSeconds = 1) {
  server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const exec = () => Promise.reject(new Error('not asked for'))
  const outcome = await runProbe(
    { httpGet: { path, port }, timeoutSeconds },
    { podIP: '127.0.0.1', container: { name: 'web' }, exec },
  )
  return { ...outcome, message: outcome.message.replaceAll(String(port), 'PORT') }
}

/** `/STATUS` answers with it; `/to?URL` leads there. */
const answer: RequestListener = ({ url = '' }, response) => {
  const [path = '', query] = url.split('?')
  if (query) response.writeHead(302, { location: query })
  else response.writeHead(Number(path.slice(1)))
  response.end()
}

const cases: [what: string, path: string, message: string][] = [
  ['succeeds', '/200', ''],
  ['fails by status', '/503', 'HTTP probe failed with statuscode: 503'],
  ['follows a redirect', '/to?/204', ''],
  ['fails where it leads', '/to?/500', 'HTTP probe failed with statuscode: 500'],
  ['does not follow to another host', '/to?http://example.org/', ''],
]
test.each(cases)('an HTTP probe %s', async (_, path, message) => {
  expect(await probe(path, answer)).toMatchObject({ ok: message === '', message })
})

test('an HTTP probe escapes what a path must not have, and leaves what is escaped', async () => {
  const paths: (string | undefined)[] = []
  await probe('/a b/ä😀%20?c=d e', ({ url }, response) => {
    paths.push(url)
    response.end()
  })
  expect(paths).toEqual(['/a%20b/%C3%A4%F0%9F%98%80%20?c=d%20e'])
})

test('an HTTP probe that led to another host is told of', async () => {
  const { warning } = await probe('/to?http://example.org/', answer)
  expect(warning).toBe('Probe terminated redirects, Response body: ')
})

test('an HTTP probe does not go round in circles', async () => {
  const { message } = await probe('/loop', (_, response) => response.writeHead(302, { location: '/loop' }).end())
  expect(message).toBe('Get "/loop": stopped after 10 redirects')
})

test('an HTTP probe has its time once, wherever it is led', async () => {
  const late: RequestListener = (_, response) =>
    void setTimeout(() => response.writeHead(302, { location: '/loop' }).end(), 60)
  const { message } = await probe('/loop', late, 0.1)
  expect(message).toMatch(/^Get "http:.*\/loop": context deadline exceeded/)
})

test.each([
  ['that is no URL', 'http://[', 'failed to parse Location header "http://[": parse "http://[": invalid URL'],
  ['of another kind', 'ftp://127.0.0.1/', 'unsupported protocol scheme "ftp"'],
])('an HTTP probe fails that is led to a place %s', async (_, location, message) => {
  expect(await probe(`/to?${location}`, answer)).toMatchObject({ ok: false, message: expect.stringMatching(/^Get "/) })
  expect((await probe(`/to?${location}`, answer)).message).toContain(message)
})

test('an HTTP probe has its time', async () => {
  const { message } = await probe('/slow', () => {}, 0.1)
  expect(message).toBe(
    'Get "http://127.0.0.1:PORT/slow": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
  )
})

const broken: [what: string, scheme: string, answer: string, message: string][] = [
  ['speaks HTTP', 'HTTPS', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'http: server gave HTTP response to HTTPS client'],
  ['hangs up', 'HTTP', '', 'EOF'],
  [
    'speaks TLS',
    'HTTP',
    '\x15\x03\x01\0\x02\x02\x16',
    'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02\\x16"',
  ],
]
test.each(broken)('a probe says what is wrong with a server that %s', async (_, scheme, reply, message) => {
  const plain = createTcpServer((socket) =>
    socket.on('error', () => {}).once('data', () => socket.end(reply, 'latin1')),
  )
  plain.listen(0, '127.0.0.1')
  await once(plain, 'listening')
  const { port } = plain.address() as AddressInfo
  const target = { podIP: '127.0.0.1', container: { name: 'web' }, exec: () => Promise.reject(new Error()) }
  const outcome = await runProbe({ httpGet: { path: '/', port, scheme } }, target)
  plain.close()
  expect(outcome).toEqual({ ok: false, message: `Get "${scheme.toLowerCase()}://127.0.0.1:${port}/": ${message}` })
})

test.each<[string, (answer: ServerResponse) => void, string]>([
  ['that breaks off', (answer) => answer.destroy(), 'unexpected EOF'],
  [
    'that does not end in time',
    () => {},
    'context deadline exceeded (Client.Timeout or context cancellation while reading body)',
  ],
])('an answer %s says nothing of the container', async (_, goOn, message) => {
  const listener: RequestListener = (_, response) =>
    void response.writeHead(200).write('some', () => setImmediate(goOn, response))
  await expect(probe('/', listener, 0.1)).rejects.toThrow(message)
})

test('an HTTP probe is satisfied by an answer without end', async () => {
  const { ok } = await probe('/', (_, response) => {
    response.writeHead(200)
    response.write('x'.repeat(20_000))
  })
  expect(ok).toBe(true)
})
