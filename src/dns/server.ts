/** The sockets: UDP and TCP on one address and port. The only place that owns them. */
import { createSocket, type Socket } from 'node:dgram'
import { type Socket as Connection, createServer, type Server } from 'node:net'
import type { Client } from './responder.ts'
import { frame, Unframer } from './wire/index.ts'

export type Respond = (message: Buffer, client: Client) => Buffer | undefined | Promise<Buffer | undefined>

export interface ListenOptions {
  readonly port: number
  /** One address, or undefined for all of both families. */
  readonly address: string | undefined
  readonly respond: Respond
}

const tcpIdleMs = 10_000
const tcpConnectionsMax = 1000
/** A burst of questions waits in the kernel while this process is busy. */
const receiveBufferBytes = 1 << 20

export interface Listener {
  /** The port in use: the one asked for, or the kernel's choice for 0. */
  readonly port: number
  close(): Promise<void>
}

/** Rejects when an address cannot be had; a host without IPv6 is served over IPv4 alone. */
export async function listen({ port, address, respond }: ListenOptions): Promise<Listener> {
  const opened: { close: () => Promise<void>; port: number }[] = []
  const add = async (listener: Promise<{ close: () => Promise<void>; port: number }>) => {
    opened.push(await listener)
    return opened[0]?.port ?? port
  }
  try {
    const first = address ?? '0.0.0.0'
    const actual = await add(listenUdp(first, port, respond))
    await add(listenTcp(first, actual, respond))
    if (address === undefined) {
      await unlessNoIpv6(add(listenUdp('::', actual, respond)))
      await unlessNoIpv6(add(listenTcp('::', actual, respond)))
    }
    return { port: actual, close: async () => void (await Promise.all(opened.map((each) => each.close()))) }
  } catch (error) {
    await Promise.all(opened.map((each) => each.close()))
    throw error
  }
}

async function unlessNoIpv6(listening: Promise<unknown>): Promise<void> {
  try {
    await listening
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error
  }
}

function listenUdp(address: string, port: number, respond: Respond) {
  return new Promise<{ close: () => Promise<void>; port: number }>((resolve, reject) => {
    const type = address.includes(':') ? 'udp6' : 'udp4'
    const family = type === 'udp6' ? 6 : 4
    const socket: Socket = createSocket({
      type,
      ipv6Only: family === 6,
      recvBufferSize: receiveBufferBytes,
      // Answers go to addresses, never to names; the default asks the resolver's queue about each.
      lookup: (host, _options, callback) => callback(null, host, family),
    })
    socket.once('error', reject)
    socket.bind(port, address, () => {
      socket.removeListener('error', reject)
      // An answer nobody receives (ICMP) is the client's loss.
      socket.on('error', () => {})
      const close = () => new Promise<void>((closed) => socket.close(() => closed()))
      resolve({ port: socket.address().port, close })
    })
    socket.on('message', (message, remote) => {
      const send = (answer: Buffer | undefined) => answer && socket.send(answer, remote.port, remote.address)
      const answer = respond(message, { protocol: 'udp', address: remote.address, port: remote.port })
      if (answer instanceof Promise) void answer.then(send)
      else send(answer)
    })
  })
}

function listenTcp(address: string, port: number, respond: Respond) {
  return new Promise<{ close: () => Promise<void>; port: number }>((resolve, reject) => {
    const connections = new Set<Connection>()
    const server: Server = createServer({ noDelay: true }, (connection) => {
      connections.add(connection)
      connection.on('close', () => connections.delete(connection))
      serveConnection(connection, respond)
    })
    server.maxConnections = tcpConnectionsMax
    server.once('error', reject)
    server.listen({ port, host: address, ipv6Only: address.includes(':') }, () => {
      server.removeListener('error', reject)
      const close = () =>
        new Promise<void>((closed) => {
          server.close(() => closed())
          for (const connection of connections) connection.destroy()
        })
      resolve({ port, close })
    })
  })
}

/** Questions on one connection may be answered out of order (RFC 7766 7); reading stops while answers pile up. */
function serveConnection(connection: Connection, respond: Respond): void {
  const unframer = new Unframer()
  const client: Client = {
    protocol: 'tcp',
    address: connection.remoteAddress ?? '',
    port: connection.remotePort ?? 0,
  }
  connection.setTimeout(tcpIdleMs, () => connection.destroy())
  connection.on('error', () => connection.destroy())
  connection.on('drain', () => connection.resume())
  connection.on('data', (chunk) => {
    for (const message of unframer.push(chunk)) {
      void Promise.resolve(respond(message, client)).then((answer) => {
        if (answer && connection.writable && !connection.write(frame(answer))) connection.pause()
      })
    }
  })
}
