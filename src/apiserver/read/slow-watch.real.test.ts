/** A watcher that stops reading: what it costs the server, and what becomes of it. Needs loopback only. */
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HttpsTestServer, startHttpsTestServer } from '../test-https.ts'
import { until } from '../test-server.ts'

/** Megabytes go over TLS, on machines that may be busy. */
const patience = { timeoutMs: 30_000 }

let https: HttpsTestServer
const sockets: TLSSocket[] = []
beforeEach(async () => {
  https = await startHttpsTestServer()
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await https[Symbol.asyncDispose]()
})

const path = '/api/v1/namespaces/default/configmaps'
const data = { text: 'x'.repeat(900_000) }
const create = (name: string) => https.api.request('POST', path, { metadata: { name }, data })

interface PausedWatch {
  readonly socket: TLSSocket
  /** Bytes since it was resumed. */
  received(): number
  /** The last chunk of the response has come. */
  ended(): boolean
}

/** Opens a watch by hand and reads nothing after the response's head until its socket is resumed. */
async function pausedWatch(query: string): Promise<PausedWatch> {
  const socket = connect({ host: '127.0.0.1', port: https.port, servername: 'localhost', ...https.credentials })
  sockets.push(socket)
  socket.on('error', () => {})
  await new Promise<void>((resolve) => {
    socket.once('data', () => {
      socket.pause()
      resolve()
    })
    socket.write(`GET ${path}?watch=1&${query} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  })
  let received = 0
  let tail = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 5))).slice(-5)
  })
  socket.pause()
  return { socket, received: () => received, ended: () => tail === '0\r\n\r\n' }
}

function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('what it was to begin with is not held for it, however many there are', async () => {
  for (let i = 0; i < 20; i++) await create(`c${i}`)
  const warm = await pausedWatch('')
  warm.socket.destroy()
  const before = usedBytes()
  const watches = await Promise.all(Array.from({ length: 30 }, () => pausedWatch('')))
  // Each was to get 18 MB; what the kernel and TLS take in between is theirs.
  expect((usedBytes() - before) / 1e6).toBeLessThan(200)
  const [first] = watches
  first!.socket.resume()
  await until('all of it', () => first!.received() > 18_000_000, patience)
})

test('it is cut off when it falls too far behind, and the others go on', async () => {
  const { body } = await https.api.request('GET', path)
  const from = `resourceVersion=${(body['metadata'] as { resourceVersion: string }).resourceVersion}`
  const slow = await pausedWatch(from)
  const fast = await pausedWatch(from)
  fast.socket.resume()
  for (let i = 0; i < 40; i++) {
    await create(`d${i}`)
    await until('the fast one to have read it', () => fast.received() > (i + 1) * 900_000, patience)
  }
  expect(fast.ended()).toBe(false)
  slow.socket.resume()
  await until('the end of the slow one', () => slow.ended(), patience)
  expect(slow.received()).toBeLessThan(20_000_000)
})
