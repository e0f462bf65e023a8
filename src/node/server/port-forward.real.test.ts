import { once } from 'node:events'
import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { binaryMessages } from '../testing/binary-messages.ts'
import { type TestAgent, TestNode } from '../testing/node.ts'
import { TestServing } from '../testing/serving.ts'
import { SpdyClient } from '../testing/spdy-client.ts'

let node: TestNode
let agent: TestAgent
let serving: TestServing
let uid: string

/** Echoes what comes until its end, then says how much it was; port 7002 only has IPv6, port 7003 is slow to read. */
const server = `
const { createServer } = require('node:net')
const echo = (socket) => {
  let bytes = 0
  socket.on('error', () => {})
  socket.on('data', (chunk) => { bytes += chunk.length; if (!socket.write(chunk)) { socket.pause(); socket.once('drain', () => socket.resume()) } })
  socket.on('end', () => socket.end('<' + bytes + '>'))
}
createServer({ allowHalfOpen: true }, echo).listen(7001, '127.0.0.1')
createServer({ allowHalfOpen: true }, (socket) => setTimeout(() => echo(socket), 300)).listen(7003, '127.0.0.1')
createServer((socket) => socket.end('bye')).listen(7004, '127.0.0.1', () => console.log('listening'))
`

beforeAll(async () => {
  node = await TestNode.prepare()
  agent = await node.startAgent()
  serving = await TestServing.start(node, agent)
  uid = node.createPod('echo', { image: 'debian', command: ['/opt/fairway/scripts/node', '-e', server] })
  await node.untilRunning('echo')
  await serving.get('/containerLogs/default/echo/main?follow=true&limitBytes=1')
})

afterAll(async () => {
  await serving[Symbol.asyncDispose]()
  agent.stop()
  await node.remove()
})

const path = '/portForward/default/echo'
const refused = (port: number) =>
  `error forwarding port ${port} to pod ${uid}, uid : failed to execute portforward in network namespace ` +
  `"/run/netns/fw-test-${uid}": failed to connect to localhost:${port} inside namespace "${uid}", ` +
  `IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6 [::1]:${port}: connect: `

async function overSpdy(): Promise<SpdyClient> {
  const headers = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' }
  return new SpdyClient((await serving.upgrade(path, headers)).socket)
}

/** By hand: the name of this protocol is not one that WebSocket clients of JavaScript let through. */
async function overTunnel(): Promise<SpdyClient> {
  const protocol = 'SPDY/3.1+portforward.k8s.io'
  const { socket, head } = await serving.upgrade(path, { ...webSocket, 'sec-websocket-protocol': protocol }, 'GET')
  expect(head).toContain(`Sec-WebSocket-Protocol: ${protocol}`)
  return new SpdyClient(binaryMessages(socket))
}

const webSocket = {
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

let requests = 0

async function pair(client: SpdyClient, port: number) {
  const requestid = String(requests++)
  const error = await client.open({ streamtype: 'error', port: String(port), requestid })
  client.end(error)
  const data = await client.open({ streamtype: 'data', port: String(port), requestid })
  return { data, error }
}

describe.each([
  ['SPDY', overSpdy],
  ['SPDY inside a WebSocket', overTunnel],
] as const)('over %s', (_, connect) => {
  test('many connections pass side by side, and each side ends by itself', async () => {
    const client = await connect()
    const pairs = await Promise.all(Array.from({ length: 40 }, () => pair(client, 7001)))
    pairs.forEach(({ data }, index) => {
      client.send(data, `hello ${index}`)
      client.end(data)
    })
    await client.until('all answers', () => pairs.every(({ data, error }) => data.seen.ended && error.seen.ended))
    pairs.forEach(({ data, error }, index) => {
      const text = `hello ${index}`
      expect(data.seen.data.toString()).toBe(`${text}<${text.length}>`)
      expect(error.seen.data.length).toBe(0)
    })
    client.close()
  })

  test('large amounts pass, also to who reads late', async () => {
    const client = await connect()
    const { data, error } = await pair(client, 7003)
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const count = 320
    for (let i = 0; i < count; i++) client.send(data, chunk)
    client.end(data)
    await client.until('the end', () => data.seen.ended && error.seen.ended)
    const total = chunk.length * count
    expect(data.seen.data.length).toBe(total + `<${total}>`.length)
    client.close()
  }, 30_000)

  test('a port that nobody listens on is told on the error stream, and the session goes on', async () => {
    const client = await connect()
    const none = await pair(client, 7999)
    await client.until('the error', () => none.error.seen.ended && none.data.seen.ended)
    expect(none.error.seen.data.toString()).toContain(refused(7999))
    const other = await pair(client, 7004)
    await client.until('the other connection', () => other.data.seen.ended)
    expect(other.data.seen.data.toString()).toBe('bye')
    client.reset(other.data)
    await client.until('its end', () => other.error.seen.ended)
    client.close()
  })

  test('streams that are none of port-forward are reset', async () => {
    const client = await connect()
    const bad: Record<string, string>[] = [
      { streamtype: 'data' },
      { streamtype: 'data', port: '0' },
      { streamtype: 'data', port: '70000' },
      { streamtype: 'data', port: 'x' },
      { port: '7001' },
      { streamtype: 'stdin', port: '7001' },
    ]
    for (const headers of bad) expect((await client.open(headers)).seen.reset, JSON.stringify(headers)).toBe(true)
    client.close()
  })
})

test('a session ends with its pod', async () => {
  node.createPod('short', { command: ['sleep', '1000'] })
  await node.untilRunning('short')
  const headers = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' }
  const { socket } = await serving.upgrade('/portForward/default/short', headers)
  const closed = once(socket, 'close')
  const client = new SpdyClient(socket)
  const none = await pair(client, 7999)
  await client.until('the error', () => none.error.seen.ended)
  await node.deletePod('short')
  await closed
})

test('a pod that has just gone is told in containerd’s words', async () => {
  const goneUid = node.createPod('gone', { command: ['sleep', '1000'] })
  await node.untilRunning('gone')
  const headers = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' }
  const client = new SpdyClient((await serving.upgrade('/portForward/default/gone', headers)).socket)
  const before = await pair(client, 7999)
  await client.until('the error', () => before.error.seen.ended)
  const directory = join(node.stateDir, goneUid)
  // Something else by the same name: the process ends when its name is gone, and the session with it.
  for (const name of readdirSync(directory).filter((one) => one.startsWith('forward-'))) {
    writeFileSync(join(directory, 'other'), '')
    renameSync(join(directory, 'other'), join(directory, name))
  }
  const late = await pair(client, 7999)
  await client.until('the other error', () => late.error.seen.ended)
  const why = `uid : failed to find sandbox "${goneUid}" in store: not found`
  expect(late.error.seen.data.toString()).toBe(`error forwarding port 7999 to pod ${goneUid}, ${why}`)
  client.close()
  await node.deletePod('gone')
})

describe('over channels', () => {
  test.each(['v4.channel.k8s.io', 'v4.base64.channel.k8s.io', ''])('of %s, two for each port', async (protocol) => {
    const socket = serving.webSocket(`${path}?port=7004,7999`, protocol ? [protocol] : [])
    const texts = ['', '', '', '']
    const base64 = protocol.includes('base64')
    socket.on('message', (message: Buffer) => {
      const channel = base64 ? Number(message.toString('latin1', 0, 1)) : (message[0] ?? 0)
      const payload = message.subarray(1)
      texts[channel] += (base64 ? Buffer.from(payload.toString(), 'base64') : payload).toString('latin1')
    })
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1000)
    const number = (port: number) => Buffer.from([port & 0xff, port >> 8]).toString('latin1')
    expect(texts.slice(0, 3)).toEqual([`${number(7004)}bye`, number(7004), number(7999)])
    expect(texts[3]).toContain(`${number(7999)}${refused(7999)}`)
  })

  test('data passes both ways', async () => {
    const socket = serving.webSocket(`${path}?port=7001`, ['v4.channel.k8s.io'])
    await once(socket, 'open')
    let echoed = 0
    const total = 100 * 65536
    const all = new Promise<void>((resolve) => {
      socket.on('message', (message: Buffer) => {
        if (message[0] === 0) echoed += message.length - 1
        if (echoed === total + 2) resolve()
      })
    })
    for (let i = 0; i < 100; i++) socket.send(Buffer.concat([Buffer.from([0]), Buffer.alloc(65536)]))
    await all
    socket.terminate()
  })
})

describe('what cannot be served is refused', () => {
  const headers = { ...webSocket, 'sec-websocket-protocol': 'v4.channel.k8s.io' }
  const cases: [path: string, status: number, body: RegExp][] = [
    [path, 400, /^query parameter "port" is required\n$/],
    [`${path}?port=`, 400, /^query parameter "port" cannot be empty\n$/],
    [
      `${path}?port=http`,
      400,
      /^unable to parse "http" as a port: strconv.ParseUint: parsing "http": invalid syntax\n$/,
    ],
    [`${path}?port=65536`, 400, /value out of range\n$/],
    [`${path}?port=80,0`, 400, /^port "0" must be > 0\n$/],
    ['/portForward/default/none?port=80', 404, /^pod does not exist/],
  ]
  test.each(cases)('%s', async (path, status, body) => {
    const refusal = await serving.refusal(path, headers)
    expect(refusal.status).toBe(status)
    expect(refusal.body).toMatch(body)
  })
})
