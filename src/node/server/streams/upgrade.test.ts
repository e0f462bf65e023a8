import type { IncomingMessage } from 'node:http'
import { duplexPair } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { lingerMs } from '../../../lib/drained.ts'
import { acceptWebSocket } from './upgrade.ts'

afterEach(() => {
  vi.useRealTimers()
})

const headers = {
  upgrade: 'websocket',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
}

test('a client that is slow to read keeps its connection after the end, and is left when it reads nothing', async () => {
  const [socket] = duplexPair()
  const request = { method: 'GET', headers } as unknown as IncomingMessage
  const connection = await new Promise<WebSocket>((resolve) => {
    acceptWebSocket({ request, socket, head: Buffer.alloc(0) }, [''], resolve)
  })
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  connection.close(1000)
  vi.advanceTimersByTime(lingerMs - 1)
  expect(socket.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(socket.destroyed).toBe(true)
})
