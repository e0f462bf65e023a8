/** The client's side of a WebSocket whose binary messages are one stream of bytes, for tests. RFC 6455 5.2 */
import { Duplex } from 'node:stream'

const binary = 0x82
const masked = 0x80

export function binaryMessages(socket: Duplex): Duplex {
  let pending: Buffer = Buffer.alloc(0)
  const stream = new Duplex({
    read() {
      socket.resume()
    },
    write(data: Buffer, _encoding, done) {
      socket.write(Buffer.concat([head(data.length), data]), done)
    },
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    for (let found = message(pending); found; found = message(pending)) {
      pending = found.rest
      if (!stream.push(found.payload)) socket.pause()
    }
  })
  socket.on('close', () => stream.destroy())
  return stream
}

/** With a mask of zeros, which changes nothing. */
function head(length: number): Buffer {
  const bytes = Buffer.alloc(length < 126 ? 6 : length < 65536 ? 8 : 14)
  bytes[0] = binary
  bytes[1] = masked | (length < 126 ? length : length < 65536 ? 126 : 127)
  if (bytes.length === 8) bytes.writeUInt16BE(length, 2)
  if (bytes.length === 14) bytes.writeBigUInt64BE(BigInt(length), 2)
  return bytes
}

function message(bytes: Buffer): { payload: Buffer; rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes[1] ?? 0
  const start = short < 126 ? 2 : short === 126 ? 4 : 10
  if (bytes.length < start) return undefined
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (bytes.length < start + length) return undefined
  return { payload: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) }
}
