/** A client that speaks protobuf by another encoder, protobufjs, with messages written from what upstream publishes. */
import { join } from 'node:path'
import protobufjs from 'protobufjs'
import type { TestServer } from '../test-server.ts'

export const protobuf = 'application/vnd.kubernetes.protobuf'

const root = protobufjs.loadSync(join(import.meta.dirname, 'published.proto'))
const plain = { longs: Number, bytes: String }
const magic = Buffer.from('k8s\0')

export interface Enveloped {
  readonly apiVersion: string
  readonly kind: string
  // The shape is what the test is about.
  readonly [field: string]: unknown
}

/** `type` is the message's name where it is not the kind's. */
export function sealed({ apiVersion, kind, ...object }: Enveloped): Buffer {
  const type = root.lookupType(kind)
  const problem = type.verify(object)
  if (problem) throw new Error(problem)
  const raw = type.encode(type.fromObject(object)).finish()
  const unknown = { typeMeta: { apiVersion, kind }, raw }
  return Buffer.concat([magic, root.lookupType('Unknown').encode(unknown).finish()])
}

export function opened(bytes: Buffer): Enveloped {
  if (!bytes.subarray(0, 4).equals(magic)) throw new Error(`no envelope: ${bytes.toString()}`)
  const unknown = root.lookupType('Unknown').decode(bytes.subarray(4)) as unknown as {
    typeMeta: { apiVersion: string; kind: string }
    raw: Uint8Array
  }
  const { apiVersion, kind } = unknown.typeMeta
  const type = root.lookupType(kind)
  return { ...type.toObject(type.decode(unknown.raw), plain), apiVersion, kind }
}

export interface Reply {
  readonly status: number
  readonly type: string
  readonly bytes: Buffer
}

const user = { name: 'tester', groups: ['system:masters'] }

export async function send(
  { server }: TestServer,
  method: string,
  path: string,
  { body, accept = protobuf, contentType = protobuf }: { body?: Buffer; accept?: string; contentType?: string } = {},
): Promise<Reply> {
  const headers = { accept, 'content-type': contentType }
  const response = await server.handle({ method, path, headers, ...(body && { body }) }, user)
  const chunks: Buffer[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return { status: response.status, type: response.headers['content-type'] ?? '', bytes: Buffer.concat(chunks) }
}

export interface Event {
  readonly type: string
  readonly object: Enveloped
}

/** The events of a watch as they come; aborting ends it. */
export async function* watched({ server }: TestServer, path: string, accept: string, signal: AbortSignal) {
  const response = await server.handle({ method: 'GET', path, headers: { accept }, signal }, user)
  yield response.headers['content-type'] ?? ''
  let rest = Buffer.alloc(0)
  for await (const chunk of response.body) {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const end = 4 + rest.readUInt32BE()
      yield eventIn(rest.subarray(4, end))
      rest = rest.subarray(end)
    }
  }
}

function eventIn(frame: Buffer): Event {
  const event = root.lookupType('WatchEvent').decode(frame) as unknown as { type: string; object: { raw: Uint8Array } }
  return { type: event.type, object: opened(Buffer.from(event.object.raw)) }
}
