/**
 * A program that makes documents and ends: it takes a good part of a second and a hundred megabytes, which other requests
 * neither wait for nor keep. Its parent sends it a Job, and gets the documents.
 */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { documentNames, openApiDocument } from './document.ts'
import { encodeSwagger } from './gnostic-v2.ts'
import { encodeOpenApi } from './gnostic-v3.ts'
import type { Json } from './json.ts'
import type { OpenApiResource } from './resources.ts'
import { swaggerDocument } from './swagger.ts'

export type Form = 'v2 json' | 'v2 protobuf' | 'v3 json' | 'v3 protobuf'

export interface Job {
  readonly form: Form
  readonly resources: readonly OpenApiResource[]
  /** Of the API. */
  readonly version: string
}

/** A document as it is kept. */
export interface Made {
  /** `api/v1`; that of v2 has none. */
  readonly name: string
  /** SHA-512 of what is in it, in hexadecimal digits. */
  readonly hash: string
  readonly gzip: Uint8Array
}

const writers: Readonly<Record<Form, (document: Json) => Buffer>> = {
  'v2 json': jsonBytes,
  'v2 protobuf': encodeSwagger,
  'v3 json': jsonBytes,
  'v3 protobuf': encodeOpenApi,
}

function jsonBytes(document: Json): Buffer {
  return Buffer.from(JSON.stringify(document))
}

function* documentsOf({ form, resources, version }: Job): Generator<Made> {
  const names = documentNames(resources)
  if (form.startsWith('v2')) {
    yield made('', writers[form](swaggerDocument(openApiDocument(names, resources, { version }))))
    return
  }
  for (const name of names) yield made(name, writers[form](openApiDocument([name], resources, { version })))
}

function made(name: string, bytes: Buffer): Made {
  return {
    name,
    hash: createHash('sha512').update(bytes).digest('hex').toUpperCase(),
    gzip: Uint8Array.from(gzipSync(bytes)),
  }
}

process.once('message', (job: Job) => {
  process.send?.([...documentsOf(job)], () => process.disconnect())
})
