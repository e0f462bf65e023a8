/** As much of an API server as a proxy asks for, over TLS: list and watch of three resources. For tests and benches. */

import type { ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { KubeObject } from '../../api/machinery/object.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { createCa, issue } from '../../lib/pki.ts'

type Plural = 'services' | 'endpointslices' | 'nodes'

export class FakeApi {
  readonly #objects: Record<Plural, Map<string, KubeObject>> = {
    services: new Map(),
    endpointslices: new Map(),
    nodes: new Map(),
  }
  readonly #watchers = new Set<{ plural: string; response: ServerResponse }>()
  #revision = 1
  #server: Server | undefined
  #ca = ''

  async start(): Promise<void> {
    const ca = await createCa({ commonName: 'fake' })
    const pair = await issue(ca, { commonName: 'fake', ipAddresses: ['127.0.0.1'], usage: 'server', days: 1 })
    this.#ca = ca.certPem
    const server = createServer({ cert: pair.certPem, key: pair.keyPem }, (request, response) => {
      const url = new URL(request.url ?? '/', 'https://fake')
      const plural = url.pathname.split('/').at(-1) ?? ''
      if (!isPlural(plural)) response.writeHead(404).end()
      else if (url.searchParams.has('watch')) this.#watch(plural, response)
      else this.#list(plural, response)
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }

  /** A kubeconfig that leads here, in JSON. */
  kubeconfig(): string {
    if (!this.#server) throw new Error('the fake API was not started')
    const { port } = this.#server.address() as AddressInfo
    const cluster = {
      server: `https://127.0.0.1:${port}`,
      'certificate-authority-data': Buffer.from(this.#ca).toString('base64'),
    }
    return JSON.stringify({
      'current-context': 'fake',
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
      clusters: [{ name: 'fake', cluster }],
      users: [{ name: 'fake', user: {} }],
    })
  }

  put(plural: Plural, object: KubeObject): void {
    const key = objectKey(object)
    const type = this.#objects[plural].has(key) ? 'MODIFIED' : 'ADDED'
    this.#revision += 1
    const metadata = { ...object.metadata, uid: key, resourceVersion: String(this.#revision) }
    const stored = { ...object, metadata }
    this.#objects[plural].set(key, stored)
    this.#emit(plural, type, stored)
  }

  remove(plural: Plural, key: string): void {
    const object = this.#objects[plural].get(key)
    if (!object) return
    this.#objects[plural].delete(key)
    this.#revision += 1
    const metadata = { ...object.metadata, resourceVersion: String(this.#revision) }
    this.#emit(plural, 'DELETED', { ...object, metadata })
  }

  close(): void {
    this.#server?.closeAllConnections()
    this.#server?.close()
  }

  #emit(plural: Plural, type: string, object: KubeObject): void {
    const line = `${JSON.stringify({ type, object })}\n`
    for (const watcher of this.#watchers) if (watcher.plural === plural) watcher.response.write(line)
  }

  #list(plural: Plural, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    const items = [...this.#objects[plural].values()]
    response.end(JSON.stringify({ metadata: { resourceVersion: String(this.#revision) }, items }))
  }

  #watch(plural: Plural, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    const watcher = { plural, response }
    this.#watchers.add(watcher)
    response.on('close', () => this.#watchers.delete(watcher))
  }
}

function isPlural(text: string): text is Plural {
  return text === 'services' || text === 'endpointslices' || text === 'nodes'
}
