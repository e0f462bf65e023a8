import { once } from 'node:events'
import { createServer, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { probeGrpc } from './grpc.ts'

let server: Http2Server | undefined

afterEach(() => {
  server?.close()
  server = undefined
})

interface Reply {
  readonly message?: readonly number[]
  readonly status?: string
  readonly text?: string
}

/** What the server is asked for, and what it answers; without an answer it is silent. */
async function serve(answer: (service: string) => Reply | undefined): Promise<number> {
  server = createServer()
  server.on('stream', (stream) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const reply = answer(Buffer.concat(chunks).subarray(7).toString())
      if (!reply) return
      const { message = [], status = '0', text } = reply
      const trailers = { 'grpc-status': status, ...(text && { 'grpc-message': text }) }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers(trailers))
      stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const outcomes: [what: string, reply: Reply | undefined, message: string][] = [
  ['serves', { message: [8, 1] }, ''],
  ['does not serve', { message: [8, 2] }, 'service unhealthy (responded with "NOT_SERVING")'],
  ['does not know', {}, 'service unhealthy (responded with "UNKNOWN")'],
  [
    'has no health service',
    { status: '12', text: 'unknown service' },
    'error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service',
  ],
  [
    'refuses',
    { status: '5', text: 'unknown' },
    'error: health rpc probe failed: rpc error: code = NotFound desc = unknown',
  ],
  ['is silent', undefined, 'timeout: health rpc did not complete within 0.2s'],
]

test.each(outcomes)('a server that %s', async (_, reply, message) => {
  const port = await serve(() => reply)
  const outcome = await probeGrpc({ host: '127.0.0.1', port, service: '', timeoutMs: 200 })
  expect(outcome).toEqual({ ok: message === '', message })
})

test('a service is asked for by name', async () => {
  const asked: string[] = []
  const port = await serve((service) => {
    asked.push(service)
    return { message: [8, 1] }
  })
  await probeGrpc({ host: '127.0.0.1', port, service: 'liveness', timeoutMs: 1000 })
  expect(asked).toEqual(['liveness'])
})

test('nobody is there', async () => {
  const port = await serve(() => undefined)
  server?.close()
  server = undefined
  const outcome = await probeGrpc({ host: '127.0.0.1', port, service: '', timeoutMs: 1000 })
  const message = `timeout: failed to connect service "127.0.0.1:${port}" within 1s: context deadline exceeded`
  expect(outcome).toEqual({ ok: false, message })
})
