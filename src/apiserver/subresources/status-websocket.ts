/**
 * A WebSocket that only says why there is no stream. Clients of `v5.channel.k8s.io` are connected before anything is
 * known of the node, as by kube-apiserver, and learn of its troubles as of those of their command: by a Status on the
 * error channel.
 */
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { StatusError } from '../../api/machinery/status.ts'
import { statusProtocol, type WantedStreams } from './stream-options.ts'

/** RFC 6455 1.3 */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const opcode = { binary: 0x82, close: 0x88 } as const
const closeNormal = Buffer.from([0x03, 0xe8])
const channel = { stdout: 1, stderr: 2, error: 3 } as const

/** A client that does not answer the end is left after this long. */
const lingerMs = 10_000

export function refuseByStatus(socket: Duplex, key: string, wanted: WantedStreams, error: StatusError): void {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}${guid}`).digest('base64')}`,
    `Sec-WebSocket-Protocol: ${statusProtocol}`,
  ]
  const { metadata, status, message, reason, details, code } = error.status
  const text = JSON.stringify({ metadata, status, message, reason, details, code })
  const first = wanted.stdout ? channel.stdout : wanted.stderr && !wanted.tty ? channel.stderr : channel.error
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  socket.write(frame(opcode.binary, Buffer.from([first])))
  socket.write(frame(opcode.binary, Buffer.concat([Buffer.from([channel.error]), Buffer.from(text)])))
  socket.end(frame(opcode.close, closeNormal))
  // What the client still says is of no use, but must be read for its end to be seen.
  socket.resume()
  const linger = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(linger))
}

/** RFC 6455 5.2; a server's frames are not masked. */
function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload])
  const head = Buffer.from([first, length < 65536 ? 126 : 127])
  const size = Buffer.alloc(length < 65536 ? 2 : 8)
  size.writeUIntBE(length, Math.max(0, size.length - 6), Math.min(6, size.length))
  return Buffer.concat([head, size, payload])
}
