/**
 * A gRPC health check (grpc.health.v1.Health/Check) over plain HTTP/2, as the kubelet makes it. The two messages have
 * one field each, so that they are written and read here by hand.
 */
import { connect, constants, type IncomingHttpHeaders } from 'node:http2'
import type { ProbeOutcome } from './check.ts'
import { hostPort } from './http.ts'

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
/** Names of gRPC's status codes. */
const codes: Readonly<Record<number, string>> = {
  1: 'Canceled',
  2: 'Unknown',
  3: 'InvalidArgument',
  4: 'DeadlineExceeded',
  5: 'NotFound',
  6: 'AlreadyExists',
  7: 'PermissionDenied',
  8: 'ResourceExhausted',
  9: 'FailedPrecondition',
  10: 'Aborted',
  11: 'OutOfRange',
  13: 'Internal',
  14: 'Unavailable',
  15: 'DataLoss',
  16: 'Unauthenticated',
}

export async function probeGrpc(target: GrpcTarget): Promise<ProbeOutcome> {
  const { host, port, timeoutMs } = target
  const failed = (message: string): ProbeOutcome => ({ ok: false, message })
  try {
    const { grpcStatus, grpcMessage, body } = await call(target)
    if (grpcStatus === unimplemented) {
      const words = 'this server does not implement the grpc health protocol (grpc.health.v1.Health)'
      return failed(`error: ${words}: ${grpcMessage}`)
    }
    if (grpcStatus !== 0) {
      const code = codes[grpcStatus] ?? `Code(${grpcStatus})`
      return failed(`error: health rpc probe failed: rpc error: code = ${code} desc = ${grpcMessage}`)
    }
    const status = servingStatus(body)
    if (status === serving) return { ok: true, message: '' }
    return failed(`service unhealthy (responded with "${statusNames[status] ?? status}")`)
  } catch (error) {
    const within = `${timeoutMs / 1000}s`
    if (!(error instanceof CallError)) throw error
    if (error.code === 'timeout') return failed(`timeout: health rpc did not complete within ${within}`)
    if (error.code === 'broken') return failed(`error: health rpc probe failed: ${error.message}`)
    const address = hostPort(host, port)
    return failed(`timeout: failed to connect service "${address}" within ${within}: context deadline exceeded`)
  }
}

/** `unreachable`: no connection. `timeout`: no answer. `broken`: the connection was lost, or is not HTTP/2. */
class CallError extends Error {
  readonly code: 'unreachable' | 'timeout' | 'broken'

  constructor(code: CallError['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'CallError'
    this.code = code
  }
}

function call({ host, port, service, timeoutMs }: GrpcTarget): Promise<Answer> {
  const session = connect(`http://${hostPort(host, port)}`)
  let connected = false
  session.once('connect', () => (connected = true))
  const answer = new Promise<Answer>((resolve, reject) => {
    const fail = (error: Error) => reject(new CallError(connected ? 'broken' : 'unreachable', error.message, error))
    session.on('error', fail)
    const timer = setTimeout(() => reject(new CallError(connected ? 'timeout' : 'unreachable', 'no answer')), timeoutMs)
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
    stream.on('error', fail)
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
