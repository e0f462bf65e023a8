/** Typed requests to an API server over a Transport. */

import type { Status } from '../api/generated/meta.v1.ts'
import type { KubeList, KubeObject } from '../api/machinery/object.ts'
import { StatusError } from '../api/machinery/status.ts'
import type {
  DeleteOptions,
  KubeClient,
  ListOptions,
  ObjectName,
  PatchType,
  Resource,
  WatchEvent,
  WatchOptions,
} from './contract.ts'
import type { ApiResponse, Transport } from './transport.ts'

export interface ClientOptions {
  readonly transport: Transport
  /** As shown in the server's logs: `kube-proxy`. */
  readonly userAgent?: string
}

export class Client implements KubeClient {
  readonly #transport: Transport
  readonly #headers: Readonly<Record<string, string>>

  constructor({ transport, userAgent = 'fairway' }: ClientOptions) {
    this.#transport = transport
    this.#headers = { accept: 'application/json', 'user-agent': userAgent }
  }

  get<T extends KubeObject>(resource: Resource<T>, at: ObjectName): Promise<T> {
    return this.#json<T>('GET', objectPath(resource, at))
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const list = await this.#json<KubeList<T>>('GET', collectionPath(resource, options.namespace) + query(options))
    // Items of a typed list carry no type of their own; events and owner references need it.
    const apiVersion = apiVersionOf(resource)
    for (const item of list.items ?? []) Object.assign(item, { apiVersion, kind: resource.kind })
    return { ...list, items: list.items ?? [] }
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.#json<T>('POST', collectionPath(resource, object.metadata.namespace), typed(resource, object))
  }

  update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.#json<T>('PUT', objectPath(resource, object.metadata), typed(resource, object))
  }

  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.#json<T>('PUT', `${objectPath(resource, object.metadata)}/status`, typed(resource, object))
  }

  patch<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectName,
    patch: unknown,
    { type = 'application/strategic-merge-patch+json', subresource }: { type?: PatchType; subresource?: string } = {},
  ): Promise<T> {
    const path = objectPath(resource, at) + (subresource ? `/${subresource}` : '')
    return this.#json<T>('PATCH', path, patch, type)
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectName,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.#json('DELETE', objectPath(resource, at), { kind: 'DeleteOptions', apiVersion: 'v1', ...options })
  }

  createSubresource(
    resource: Resource<KubeObject>,
    at: ObjectName,
    subresource: string,
    body: unknown,
  ): Promise<unknown> {
    return this.#json('POST', `${objectPath(resource, at)}/${subresource}`, body)
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncGenerator<WatchEvent<T>> {
    const { signal, ...parameters } = options
    const response = await this.#transport.request({
      method: 'GET',
      path: collectionPath(resource, options.namespace) + query({ watch: true, ...parameters }),
      headers: this.#headers,
      ...(signal && { signal }),
    })
    if (response.status !== 200) throw await statusOf(response)
    for await (const line of lines(response.body)) {
      const event = JSON.parse(line) as WatchEvent<T> | { type: 'ERROR'; object: Status }
      if (event.type === 'ERROR') throw new StatusError({ code: event.object.code ?? 500, ...event.object })
      yield event
    }
  }

  /** Any request, for what the typed methods do not cover; the body is parsed JSON. */
  request<R>(method: string, path: string, body?: unknown): Promise<R> {
    return this.#json<R>(method, path, body)
  }

  close(): void {
    this.#transport.close()
  }

  async #json<R>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<R> {
    const response = await this.#transport.request({
      method,
      path,
      headers: body === undefined ? this.#headers : { ...this.#headers, 'content-type': contentType },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (response.status >= 400) throw await statusOf(response)
    return JSON.parse(await text(response)) as R
  }
}

/** `/api/v1/namespaces/demo/pods`, `/apis/apps/v1/deployments`. */
export function collectionPath(resource: Resource<KubeObject>, namespace?: string): string {
  const root = resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${resource.plural}`
}

export function objectPath(resource: Resource<KubeObject>, { namespace, name }: ObjectName): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`
}

function query(options: object): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && name !== 'namespace') parameters.set(name, String(value))
  }
  const text = parameters.toString()
  return text && `?${text}`
}

function typed<T extends KubeObject>(resource: Resource<T>, object: T): T {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
}

function apiVersionOf({ group, version }: Resource<KubeObject>): string {
  return group ? `${group}/${version}` : version
}

async function text(response: ApiResponse): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function statusOf(response: ApiResponse): Promise<StatusError> {
  const body = await text(response)
  try {
    const status = JSON.parse(body) as Status
    if (status.kind === 'Status') return new StatusError({ ...status, code: status.code ?? response.status })
  } catch {
    // Not a Status: a proxy's page, or nothing. What came is the message.
  }
  return new StatusError({
    code: response.status,
    reason: '',
    message: body.trim() || `HTTP status ${response.status}`,
  })
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pending: Buffer[] = []
  for await (const chunk of body) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      pending.push(chunk.subarray(start, end))
      yield Buffer.concat(pending).toString()
      pending = []
      start = end + 1
    }
    if (start < chunk.length) pending.push(chunk.subarray(start))
  }
}
