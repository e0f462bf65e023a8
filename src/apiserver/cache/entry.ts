/** An object as the server holds it in memory: the bytes clients get, and the parsed object once somebody needs it. */
import type { KubeObject } from '../../api/machinery/object.ts'
import { apiVersionOf } from '../../api/resource.ts'
import type { ServedResource } from '../registry.ts'

export class Entry {
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly revision: number
  /** JSON with apiVersion, kind and resourceVersion. Shared: never written to. */
  readonly bytes: Buffer
  readonly #resource: ServedResource
  #object: KubeObject | undefined

  constructor(resource: ServedResource, key: string, revision: number, bytes: Buffer) {
    const path = key.slice(resource.prefix.length)
    const slash = path.indexOf('/')
    this.key = key
    this.namespace = slash < 0 ? '' : path.slice(0, slash)
    this.name = slash < 0 ? path : path.slice(slash + 1)
    this.revision = revision
    this.bytes = bytes
    this.#resource = resource
  }

  /** From what the store holds, which has no resourceVersion yet. */
  static fromStored(resource: ServedResource, key: string, revision: number, value: Buffer): Entry {
    const own = ownForm(resource, value)
    return new Entry(resource, key, revision, splice(resource.head, own, resource.head.length, revision))
  }

  /** Shared and parsed at most once: never mutate it. */
  get object(): KubeObject {
    this.#object ??= this.copy()
    return this.#object
  }

  /** A fresh copy to change. */
  copy(): KubeObject {
    return JSON.parse(this.bytes.toString()) as KubeObject
  }

  /** The same object under another resourceVersion, as a DELETED event carries it. */
  atRevision(revision: number): Entry {
    const { head } = this.#resource
    const tail = head.length + versionField(this.revision).length
    return new Entry(this.#resource, this.key, revision, splice(head, this.bytes, tail, revision))
  }

  /** The stored form: without the resourceVersion. */
  stored(): Buffer {
    const { head, definition } = this.#resource
    if (definition.storedAs) return encodeStored(this.#resource, this.copy())
    return Buffer.concat([head, this.bytes.subarray(head.length + versionField(this.revision).length)])
  }
}

/** The bytes to store for an object, in the version it is stored in. */
export function encodeStored(resource: ServedResource, object: KubeObject): Buffer {
  const { definition, apiVersion } = resource
  const { storedAs } = definition
  if (!storedAs) return encodeAs({ apiVersion, kind: definition.kind }, object)
  return encodeAs({ apiVersion: apiVersionOf(storedAs), kind: storedAs.kind }, storedAs.toStored({ ...object }))
}

/** What is stored, in the version of this resource. */
function ownForm({ definition, apiVersion }: ServedResource, value: Buffer): Buffer {
  const { storedAs, kind } = definition
  if (!storedAs) return value
  return encodeAs({ apiVersion, kind }, storedAs.fromStored(JSON.parse(value.toString()) as KubeObject))
}

/** apiVersion, kind and metadata first, no resourceVersion, one line of JSON. */
function encodeAs({ apiVersion, kind }: { apiVersion: string; kind: string }, object: KubeObject): Buffer {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object
  const { resourceVersion: _resourceVersion, ...meta } = metadata
  return Buffer.from(JSON.stringify({ apiVersion, kind, metadata: meta, ...rest }))
}

function versionField(revision: number): string {
  return `"resourceVersion":"${revision}",`
}

function splice(head: Buffer, value: Buffer, tailStart: number, revision: number): Buffer {
  return Buffer.concat([head, Buffer.from(versionField(revision)), value.subarray(tailStart)])
}
