/**
 * /openapi/v2 and /openapi/v3: documents made when first asked for, and kept as they are sent, also for the next server.
 * Those of v3 are under URLs that carry their hash, so that clients may keep them.
 */
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ApiResponse } from '../../client/transport.ts'
import type { Clock } from '../../lib/clock.ts'
import { versionInfo } from '../discovery/version.ts'
import { acceptsGzip, clausesOf } from '../http/negotiation.ts'
import { BufferBody, json, jsonType, notFoundPage } from '../http/respond.ts'
import type { Registry } from '../registry.ts'
import type { Form, Job, Made } from './maker.ts'

/** What of a request decides between forms of a document. */
export interface DocumentHeaders {
  readonly accept?: string
  readonly 'accept-encoding'?: string
  readonly 'if-none-match'?: string
}

type Version = 'v2' | 'v3'
type Documents = ReadonlyMap<string, Made>

export class OpenApiDocuments {
  readonly #registry: Registry
  readonly #clock: Clock
  readonly #documents = new Map<Form, Promise<Documents>>()

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry
    this.#clock = clock
  }

  /** The document of OpenAPI v2, in which everything is. */
  async v2(headers: DocumentHeaders): Promise<ApiResponse> {
    const encoding = acceptedEncoding('v2', headers.accept)
    if (!encoding) return notAcceptable()
    const document = (await this.#made(`v2 ${encoding}`)).get('')!
    return answer(document, headers, { 'content-type': contentType('v2', encoding) })
  }

  /** Where the documents of OpenAPI v3 are. */
  async index(): Promise<ApiResponse> {
    const documents = await this.#made('v3 json')
    const paths = [...documents.values()].map(({ name, hash }) => [name, { serverRelativeURL: urlOf(name, hash) }])
    return json(200, { paths: Object.fromEntries(paths) })
  }

  /** `name` as in the index: `api/v1`, `apis/apps/v1`. */
  async v3(name: string, query: URLSearchParams, headers: DocumentHeaders): Promise<ApiResponse> {
    const known = (await this.#made('v3 json')).get(name)
    if (!known) return notFoundPage()
    const asked = query.get('hash')
    if (asked && asked !== known.hash) {
      return { status: 301, headers: { location: urlOf(name, known.hash) }, body: new BufferBody([]) }
    }
    const encoding = acceptedEncoding('v3', headers.accept)
    if (!encoding) return notAcceptable()
    const document = (await this.#made(`v3 ${encoding}`)).get(name)!
    const caching = asked && { 'cache-control': 'public, immutable', expires: this.#inAYear() }
    return answer(document, headers, { 'content-type': contentType('v3', encoding), ...caching })
  }

  /** Without it, caches that do not know `immutable` (client-go's) ask again every time. */
  #inAYear(): string {
    const date = this.#clock.now()
    date.setUTCFullYear(date.getUTCFullYear() + 1)
    return date.toUTCString()
  }

  /** What could not be made is tried again at the next request. */
  #made(form: Form): Promise<Documents> {
    let documents = this.#documents.get(form)
    if (!documents) {
      documents = this.#make(form)
      this.#documents.set(form, documents)
      documents.catch(() => this.#documents.delete(form))
    }
    return documents
  }

  async #make(form: Form): Promise<Documents> {
    const [{ openApiResources }, { KeptDocuments }] = await Promise.all([import('./resources.ts'), import('./kept.ts')])
    const job: Job = { form, resources: openApiResources(this.#registry), version: versionInfo.gitVersion }
    const kept = new KeptDocuments(job)
    let made = kept.read()
    if (!made) {
      made = await makeApart(job)
      kept.keep(made)
    }
    return new Map(made.map((document) => [document.name, document]))
  }
}

async function makeApart(job: Job): Promise<readonly Made[]> {
  const { fork } = await import('node:child_process')
  const maker = fork(join(import.meta.dirname, 'maker.ts'), { serialization: 'advanced', execArgv: [] })
  return new Promise((resolve, reject) => {
    maker.once('message', (documents) => resolve(documents as readonly Made[]))
    maker.once('error', reject)
    maker.once('exit', () => reject(new Error('the OpenAPI documents could not be made')))
    maker.send({ ...job }, (error) => error && reject(error))
  })
}

function urlOf(name: string, hash: string): string {
  return `/openapi/v3/${name}?hash=${hash}`
}

type Encoding = 'json' | 'protobuf'

function contentType(version: Version, encoding: Encoding): string {
  if (encoding === 'json') return jsonType['content-type']!
  return `application/com.github.proto-openapi.spec.${version}.v1.0+protobuf`
}

/** The first that the client's clauses have, by weight; the protobuf form has an older name. undefined: none. */
function acceptedEncoding(version: Version, accept = '*/*'): Encoding | undefined {
  const protobuf = contentType(version, 'protobuf')
  for (const { type, subtype } of clausesOf(accept)) {
    const asked = `${type}/${subtype}`
    if (['*/*', 'application/*', 'application/json'].includes(asked)) return 'json'
    if (asked === protobuf || asked === protobuf.replace('.v1.0', '@v1.0')) return 'protobuf'
  }
  return undefined
}

function notAcceptable(): ApiResponse {
  return { status: 406, headers: { vary: 'Accept' }, body: new BufferBody([]) }
}

async function answer(
  { hash, gzip }: Made,
  request: DocumentHeaders,
  form: Readonly<Record<string, string>>,
): Promise<ApiResponse> {
  const etag = `"${hash}"`
  const headers = { ...form, etag, vary: 'Accept, Accept-Encoding' }
  const known = request['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  if (known.includes(etag) || known.includes('*')) return { status: 304, headers, body: new BufferBody([]) }
  const compressed = Buffer.from(gzip.buffer, gzip.byteOffset, gzip.byteLength)
  if (acceptsGzip(request['accept-encoding'])) {
    return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: new BufferBody([compressed]) }
  }
  const { gunzip } = await import('node:zlib')
  return { status: 200, headers, body: new BufferBody([await promisify<Buffer, Buffer>(gunzip)(compressed)]) }
}
