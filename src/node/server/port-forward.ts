/** `/portForward/…`: connections to a pod's localhost, over SPDY, SPDY inside a WebSocket, or numbered channels. */
import type { Duplex } from 'node:stream'
import { createWebSocketStream } from 'ws'
import type { Forwarder } from '../runtime/forwarder.ts'
import type { PodStreams } from '../runtime/streams.ts'
import { Channels } from './streams/channels.ts'
import { join } from './streams/pass.ts'
import { type Forward, parsePort } from './streams/ports.ts'
import { forwardSpdy } from './streams/spdy-ports.ts'
import { acceptSpdy, acceptWebSocket, asksForWebSocket, offeredProtocols, type Upgrade } from './streams/upgrade.ts'

export interface ForwardTarget {
  readonly pods: PodStreams
  readonly uid: string
}

const spdyProtocol = 'portforward.k8s.io'
const tunnelProtocol = `SPDY/3.1+${spdyProtocol}`

const channelProtocols: Readonly<Record<string, { readonly base64: boolean }>> = {
  '': { base64: false },
  'v4.channel.k8s.io': { base64: false },
  'v4.base64.channel.k8s.io': { base64: true },
}

/** The ports of a WebSocket with channels; SPDY's streams name theirs. Throws with a message for the client. */
export function parsePorts({ request }: Upgrade, parameters: URLSearchParams): number[] {
  if (!asksForWebSocket(request) || isTunnel(request.headers['sec-websocket-protocol'])) return []
  const given = parameters.getAll('port')
  if (given.length === 0) throw new Error('query parameter "port" is required')
  return given.flatMap((text) => {
    if (text === '') throw new Error('query parameter "port" cannot be empty')
    return text.split(',').map(parsePort)
  })
}

function isTunnel(protocols: string | undefined): boolean {
  return offeredProtocols(protocols).includes(tunnelProtocol)
}

export function acceptPortForward(upgrade: Upgrade, ports: readonly number[], target: ForwardTarget): void {
  if (!asksForWebSocket(upgrade.request)) {
    if (acceptSpdy(upgrade, [spdyProtocol])) overSpdy(upgrade.socket, target)
    return
  }
  if (isTunnel(upgrade.request.headers['sec-websocket-protocol'])) {
    acceptWebSocket(upgrade, [tunnelProtocol], (connection) => overSpdy(createWebSocketStream(connection), target))
    return
  }
  acceptWebSocket(upgrade, Object.keys(channelProtocols), (connection, protocol) => {
    const base64 = channelProtocols[protocol]?.base64 === true
    const uses = ports.flatMap(() => ['both', 'write'] as const)
    void overChannels(new Channels(connection, { uses, base64, endSignal: false }), ports, target)
  })
}

function overSpdy(transport: Duplex, { pods, uid }: ForwardTarget): void {
  const forwarder = pods.forwarder(uid)
  const session = forwardSpdy(transport, (port, streams) => forward(forwarder, uid, port, streams))
  void session.closed.then(() => forwarder.close())
  void forwarder.closed.then(() => session.end())
}

/** Two channels for each port, data and error; each begins with the port, two bytes, the low one first. */
async function overChannels(channels: Channels, ports: readonly number[], target: ForwardTarget): Promise<void> {
  const { pods, uid } = target
  const forwarder = pods.forwarder(uid)
  void channels.closed.then(() => forwarder.close())
  void forwarder.closed.then(() => channels.close())
  const all = ports.map((port, index) => {
    const [data, error] = channels.all.slice(index * 2, index * 2 + 2) as [Duplex, Duplex]
    for (const channel of [data, error]) channel.write(Buffer.from([port & 0xff, port >> 8]))
    return forward(forwarder, uid, port, { data, error })
  })
  await Promise.all(all)
  channels.close()
}

async function forward(
  forwarder: Forwarder,
  uid: string,
  port: number,
  { data, error }: Parameters<Forward>[1],
): Promise<void> {
  try {
    await join(await forwarder.connect(port), data)
  } catch (reason) {
    error.write(`error forwarding port ${port} to pod ${uid}, uid : ${(reason as Error).message}`)
    data.end()
    data.resume()
  }
  error.end()
}
