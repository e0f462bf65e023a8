/**
 * A gRPC health check (grpc.health.v1.Health/Check) over plain HTTP/2, as the kubelet makes it. The two messages have
 * one field each, so that they are written and read here by hand.
 */
import { connect, constants, type IncomingHttpHeaders } from 'node:http2'
import type { ProbeOutcome } from './check.ts'
import { dialError, hostPort } from './http.ts'

export interface GrpcTarget {
  readonly host: string
  readonly port: number
  /** '' asks for the server as a whole. */
  readonly service: string
  readonly timeoutMs: number
}

interface Answer {
  /** Of the call: 0 is OK. */
  readonly grpcStatus: number
  readonly grpcMessage: string
  readonly body: Buffer
}

const statusNames = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
const serving = 1
const unimplemented = 12

export async function probeGrpc(target: GrpcTarget): Promise<ProbeOutcome> {
  const { host, port, timeoutMs } = target
  const address = hostPort(host, port)
  try {
    const { grpcStatus, grpcMessage, body } = await call(target)
    if (grpcStatus === unimplemented) {
      const message = `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${grpcMessage}`
      return { ok: false, message }
    }
    if (grpcStatus !== 0) {
      return { ok: false, message: `error: health rpc probe failed: ${grpcMessage || `code ${grpcStatus}`}` }
    }
    const status = servingStatus(body)
    if (status === serving) return { ok: true, message: '' }
    return { ok: false, message: `service unhealthy (responded with "${statusNames[status] ?? status}")` }
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    if (failure.name !== 'TimeoutError' && failure.code === undefined) {
      return { ok: false, message: `error: health rpc probe failed: ${failure.message}` }
    }
    const why = failure.name === 'TimeoutError' ? 'context deadline exceeded' : dialError(failure, host, port)
    return { ok: false, message: `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${why}` }
  }
}

function call({ host, port, service, timeoutMs }: GrpcTarget): Promise<Answer> {
  const session = connect(`http://${hostPort(host, port)}`)
  const answer = new Promise<Answer>((resolve, reject) => {
    session.on('error', reject)
    const timer = setTimeout(() => {
      reject(Object.assign(new Error('no answer in time'), { name: 'TimeoutError' }))
    }, timeoutMs)
    session.on('close', () => clearTimeout(timer))
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
      [constants.HTTP2_HEADER_USER_AGENT]: 'kube-probe/1.36',
    })
    const chunks: Buffer[] = []
    let fields: IncomingHttpHeaders = {}
    // An answer without a message has its status in the headers.
    for (const name of ['response', 'trailers']) {
      stream.on(name, (headers: IncomingHttpHeaders) => (fields = { ...fields, ...headers }))
    }
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('end', () => {
      const grpcStatus = Number(fields['grpc-status'] ?? 2)
      resolve({ grpcStatus, grpcMessage: [fields['grpc-message'] ?? ''].flat().join(), body: Buffer.concat(chunks) })
    })
    stream.end(frame(healthRequest(service)))
  })
  return answer.finally(() => session.destroy())
}

/** Not compressed, and its length. */
function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** HealthCheckRequest: field 1, the service's name. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service)
  if (name.length === 0) return name
  const length: number[] = []
  for (let left = name.length; ; left >>>= 7) {
    length.push(left > 0x7f ? (left & 0x7f) | 0x80 : left)
    if (left <= 0x7f) break
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), name])
}

/** HealthCheckResponse: field 1, an enumeration; absent it is 0. */
function servingStatus(body: Buffer): number {
  const message = body.subarray(5)
  return message[0] === 0x08 ? (message[1] ?? 0) : 0
}
