/** The part of an object that the server itself keeps: identity, times, versions. Mutates the object given. */
import type { KubeObject, ObjectMeta } from '../../api/machinery/object.ts'
import { badRequest, conflictError } from '../../api/machinery/status.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest } from '../context.ts'

/** The object's name and namespace are those of the URL, or absent and then taken from there. */
export function adoptTarget(object: KubeObject, { resource, namespace, name }: ResourceRequest): void {
  const { metadata } = object
  if (resource.definition.namespaced) {
    if (metadata.namespace && metadata.namespace !== namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    }
    metadata.namespace = namespace
  } else {
    delete metadata.namespace
  }
  if (!name) return
  if (!metadata.name) metadata.name = name
  if (metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  }
}

/** A full update says itself which object it is meant for. Throws 400. */
export function requireName(object: Partial<KubeObject>, { name }: ResourceRequest): void {
  if (object.metadata?.name) return
  throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
}

export function stampNew(metadata: ObjectMeta, { uid, now }: { uid: string; now: string }): void {
  metadata.uid = uid
  metadata.creationTimestamp = now
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.managedFields
  delete metadata.selfLink
  delete metadata.resourceVersion
}

/** What a client left out stays as it was; what it may not know better stays in any case. */
export function keepIdentity(next: ObjectMeta, old: ObjectMeta): void {
  delete next.managedFields
  delete next.selfLink
  next.uid ||= old.uid ?? ''
  next.creationTimestamp = old.creationTimestamp
  next.generation = old.generation
  next.deletionTimestamp = old.deletionTimestamp ?? next.deletionTimestamp
  next.deletionGracePeriodSeconds ??= old.deletionGracePeriodSeconds
  if (next.generateName === undefined && old.generateName !== undefined) next.generateName = old.generateName
}

/** A full update that names a uid is meant for that object only. The words are those of upstream's storage. */
export function requireSameUid({ resource, name, namespace }: ResourceRequest, sent: KubeObject, found: Entry): void {
  const wanted = sent.metadata?.uid
  const { uid } = found.object.metadata
  if (!wanted || wanted === uid) return
  const key = ['/registry', resource.definition.plural, namespace, name].filter(Boolean).join('/')
  const why = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`
  throw conflictError(
    resource.groupResource,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
  )
}
