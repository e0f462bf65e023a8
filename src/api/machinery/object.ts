/** The shapes every API object shares. */
import type { ListMeta, ObjectMeta } from '../generated/meta.v1.ts'

export type { Condition, LabelSelector, ObjectMeta, OwnerReference } from '../generated/meta.v1.ts'

/** Any API object. `metadata.name` is '' where it is not set yet, as in Go. */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

export interface KubeList<T extends KubeObject = KubeObject> {
  apiVersion?: string
  kind?: string
  metadata: ListMeta
  items: T[]
}

/** `namespace/name`, or the name alone for cluster-scoped objects (client-go's cache key). */
export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** The owner reference with `controller: true`, if any. */
export function controllerOf(object: KubeObject) {
  return object.metadata.ownerReferences?.find((ref) => ref.controller)
}
