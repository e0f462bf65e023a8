/** One question to one resolver. The edge of forwarding: sockets and time. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { frame, Unframer } from '../wire/index.ts'

export interface Upstream {
  readonly host: string
  readonly port: number
}

export interface ExchangeOptions {
  readonly protocol: 'udp' | 'tcp'
  readonly timeoutMs: number
  /** Whether a message is the answer; others are ignored until the time is up. */
  readonly accept: (message: Buffer) => boolean
}

/** Rejects at once when the resolver refuses or the network has no way to it, else when the time is up. */
export type Exchange = (upstream: Upstream, query: Buffer, options: ExchangeOptions) => Promise<Buffer>

export const exchange: Exchange = (upstream, query, options) =>
  options.protocol === 'udp' ? overUdp(upstream, query, options) : overTcp(upstream, query, options)

/** A socket per question: a fresh random port, and a refusal (ICMP) belongs to this question alone. */
function overUdp({ host, port }: Upstream, query: Buffer, { timeoutMs, accept }: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const end = (error: Error | undefined, answer?: Buffer) => {
      clearTimeout(timer)
      socket.removeAllListeners().on('error', () => {})
      socket.close()
      if (answer) resolve(answer)
      else reject(error ?? new Error('no answer'))
    }
    const timer = setTimeout(() => end(new Error(`${host}:${port}: no answer within ${timeoutMs} ms`)), timeoutMs)
    socket.on('error', (error) => end(error))
    socket.on('message', (message) => {
      if (accept(message)) end(undefined, message)
    })
    // Not a callback of connect: Node calls that for a failure, too.
    socket.on('connect', () => socket.send(query, (error) => error && end(error)))
    socket.connect(port, host)
  })
}

function overTcp({ host, port }: Upstream, query: Buffer, { timeoutMs, accept }: ExchangeOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const unframer = new Unframer()
    const socket = connect({ host, port }, () => socket.write(frame(query)))
    const end = (error: Error | undefined, answer?: Buffer) => {
      clearTimeout(timer)
      socket.destroy()
      if (answer) resolve(answer)
      else reject(error ?? new Error(`${host}:${port}: connection closed before an answer`))
    }
    const timer = setTimeout(() => end(new Error(`${host}:${port}: no answer within ${timeoutMs} ms`)), timeoutMs)
    socket.on('error', (error) => end(error))
    socket.on('close', () => end(undefined))
    socket.on('data', (chunk) => {
      const answer = unframer.push(chunk).find(accept)
      if (answer) end(undefined, answer)
    })
  })
}
