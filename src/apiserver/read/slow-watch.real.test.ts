/** A watcher that stops reading: what it costs the server, and what becomes of it. Needs loopback only. */
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { heldBytes } from '../held-bytes.fixture.ts'
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
  /** All of that but the x's. */
  text(): string
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
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
    text += chunk.toString('latin1').replace(/x+/g, '')
  })
  socket.pause()
  return { socket, received: () => received, text: () => text, ended: () => text.endsWith('0\r\n\r\n') }
}

test('what it was to begin with is not held for it, however many there are', async () => {
  for (let i = 0; i < 20; i++) await create(`c${i}`)
  const warm = await pausedWatch('')
  warm.socket.destroy()
  const before = heldBytes()
  const watches = await Promise.all(Array.from({ length: 30 }, () => pausedWatch('')))
  // Each was to get 18 MB; what the kernel and TLS take in between is theirs.
  expect((heldBytes() - before) / 1e6).toBeLessThan(200)
  const [first] = watches
  first!.socket.resume()
  await until('all of it', () => first!.received() > 18_000_000, patience)
})

test('nothing of what happens is held for it, and it gets all of it later', async () => {
  const names = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5']
  for (const name of names) await create(name)
  const { body } = await https.api.request('GET', path)
  const from = `resourceVersion=${(body['metadata'] as { resourceVersion: string }).resourceVersion}`
  // Each looks at an object of its own, so that they share nothing.
  const slow = await Promise.all(names.map((name) => pausedWatch(`${from}&fieldSelector=metadata.name%3D${name}`)))
  const fast = await pausedWatch(from)
  fast.socket.resume()
  const before = heldBytes()
  const rounds = Array.from({ length: 16 }, (_, i) => `${i}`)
  for (const round of rounds) {
    for (const name of names) {
      await https.api.request('PUT', `${path}/${name}`, { metadata: { name }, data: { ...data, round } })
    }
  }
  await until('the fast one to have read it', () => told(fast).length === rounds.length * names.length, patience)
  // Together they were to get 86 MB. The history in memory is part of this, and what is on its way to the fast one.
  await until('the rest to be let go of', () => (heldBytes() - before) / 1e6 < 50, patience)
  const [first] = slow
  first!.socket.resume()
  await until('its last event', () => told(first!).length === rounds.length, patience)
  expect(told(first!)).toEqual(rounds)
  expect(first!.ended()).toBe(false)
})

/** The rounds that a watch has been told of. */
function told(watch: PausedWatch): string[] {
  return [...watch.text().matchAll(/"round":"(\d+)"/g)].map(([, round = '']) => round)
}
