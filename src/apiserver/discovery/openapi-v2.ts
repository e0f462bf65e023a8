/**
 * /openapi/v2, for clients that look there for kinds they found nowhere else (kubectl does, before it says that there
 * is `no matches for kind`). It describes none: v3 describes what is served.
 */
import type { ApiResponse } from '../../client/transport.ts'
import { BufferBody, json } from '../http/respond.ts'
import { versionInfo } from './version.ts'

/** gnostic's `openapi.v2.Document`: swagger = 1, info = 2 { title = 1, version = 2 }, paths = 8. */
const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
const info = { title: 'Kubernetes', version: versionInfo.gitVersion }

export function openApiV2(accept: string): ApiResponse {
  if (!accept.includes('proto-openapi.spec.v2')) return json(200, { swagger: '2.0', info, paths: {} })
  const document = [
    field(1, Buffer.from('2.0')),
    field(2, Buffer.concat([field(1, Buffer.from(info.title)), field(2, Buffer.from(info.version))])),
    field(8, Buffer.alloc(0)),
  ]
  return { status: 200, headers: { 'content-type': protobufType }, body: new BufferBody(document) }
}

/** A length-delimited field of fewer than 128 bytes. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content])
}
