/** /openapi/v3: documents made on first demand, under URLs that carry their hash so that clients may keep them. */
import { createHash } from 'node:crypto'
import type { ApiResponse } from '../../client/transport.ts'
import { BufferBody, json, jsonType } from '../http/respond.ts'
import type { Registry } from '../registry.ts'
import { notFoundPage } from './pages.ts'

export class OpenApiDocuments {
  readonly #registry: Registry
  readonly #documents = new Map<string, Promise<{ bytes: Buffer; hash: string }>>()

  constructor(registry: Registry) {
    this.#registry = registry
  }

  async index(): Promise<ApiResponse> {
    const paths: Record<string, { serverRelativeURL: string }> = {}
    for (const name of this.#names()) {
      const { hash } = await this.#document(name)
      paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` }
    }
    return json(200, { paths })
  }

  /** `name` as in the index: `api/v1`, `apis/apps/v1`. */
  async document(name: string, query: URLSearchParams): Promise<ApiResponse> {
    if (!this.#names().includes(name)) return notFoundPage()
    const { bytes, hash } = await this.#document(name)
    const asked = query.get('hash')
    if (asked && asked !== hash) {
      const location = `/openapi/v3/${name}?hash=${hash}`
      return { status: 301, headers: { location }, body: new BufferBody([]) }
    }
    const caching = asked ? 'public, immutable' : 'no-cache'
    return {
      status: 200,
      headers: { ...jsonType, etag: `"${hash}"`, vary: 'Accept', 'cache-control': caching },
      body: new BufferBody([bytes]),
    }
  }

  #names(): string[] {
    return this.#registry.groupVersions.map(({ group, version }) =>
      group ? `apis/${group}/${version}` : `api/${version}`,
    )
  }

  #document(name: string): Promise<{ bytes: Buffer; hash: string }> {
    let document = this.#documents.get(name)
    if (!document) {
      document = this.#build(name)
      this.#documents.set(name, document)
    }
    return document
  }

  async #build(name: string): Promise<{ bytes: Buffer; hash: string }> {
    const { openApiV3Document } = await import('../../api/machinery/openapi.ts')
    const groupVersion = name.split('/').slice(1).join('/')
    const definitions = this.#registry.resources
      .filter((resource) => resource.apiVersion === groupVersion)
      .map((resource) => resource.definition)
    const bytes = Buffer.from(JSON.stringify(openApiV3Document(groupVersion, definitions)))
    return { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() }
  }
}
