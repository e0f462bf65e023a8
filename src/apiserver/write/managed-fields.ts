/**
 * Ownership of fields around writes. Objects that were made without the name of a manager and never applied on the
 * server are not tracked, as by upstream's manager of non-applied objects: who owned what before is then one manager,
 * `before-first-apply` (docs/decisions/0003).
 */

import { isDeepStrictEqual } from 'node:util'
import type { ManagedFieldsEntry } from '../../api/generated/meta.v1.ts'
import { typeNameOf } from '../../api/machinery/body.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { typeSchema } from '../../api/machinery/schema.ts'
import {
  decodeOwners,
  encodeOwners,
  type ManagerId,
  recordUpdate,
  topologyOfType,
  type Views,
} from '../../api/managedfields/index.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import type { ServedResource } from '../registry.ts'

export function topologyOf({ definition }: ServedResource) {
  return topologyOfType(typeSchema(typeNameOf(definition)))
}

/** Of objects of a resource's version, in all versions that they are served in. */
export function viewsOf({ registry }: ServerContext, { definition, apiVersion, prefix }: ServedResource): Views {
  return (wanted) => {
    const other = registry.resources.find((known) => known.prefix === prefix && known.apiVersion === wanted)
    if (!other) return undefined
    const { fromStored = asItIs } = other.definition.storedAs ?? {}
    const { toStored = asItIs } = definition.storedAs ?? {}
    const convert = (object: object) => fromStored(toStored(structuredClone(object) as KubeObject))
    return { topology: topologyOf(other), convert: wanted === apiVersion ? (object) => object : convert }
  }
}

function asItIs(object: KubeObject): KubeObject {
  return object
}

/** The name a client gives, or else the first word of its User-Agent. */
export function managerName({ query, headers }: ResourceRequest): string {
  const given = query.get('fieldManager')
  if (given) return given
  const [program = ''] = (headers['user-agent'] ?? '').split('/')
  return program.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '').slice(0, 128) || 'unknown'
}

export interface TrackedUpdate {
  /** As stored; of a new object: nothing. */
  readonly before: KubeObject
  /** As it will be stored. */
  readonly after: KubeObject
  /** What came with the request's object, or out of an apply. */
  readonly sent: readonly ManagedFieldsEntry[] | undefined
  readonly isApply: boolean
  readonly now: string
}

/** managedFields after an update or apply of an object; undefined: none any more. */
export function trackUpdate(
  context: ServerContext,
  request: ResourceRequest,
  update: TrackedUpdate,
): ManagedFieldsEntry[] | undefined {
  return update.isApply ? withoutMereTimes(update) : recorded(context, request, update)
}

function recorded(
  context: ServerContext,
  request: ResourceRequest,
  { before, after, sent, now }: TrackedUpdate,
): ManagedFieldsEntry[] | undefined {
  const { resource, subresource } = request
  // One empty entry is how clients say that nothing should be tracked any more.
  if (subresource === '' && sent?.length === 1 && Object.keys(sent[0] ?? {}).length === 0) return undefined
  const given = subresource === '' && sent && sent.length > 0 ? decodeOwners(sent) : undefined
  const owners = given ?? decodeOwners(before.metadata.managedFields ?? []) ?? []
  const { apiVersion } = resource
  const id: ManagerId = { manager: managerName(request), operation: 'Update', apiVersion, subresource }
  const change = { before: untracked(before), after: untracked(after) }
  return encodeOwners(recordUpdate(owners, change, { id, now }, viewsOf(context, resource)))
}

export function untracked(object: KubeObject): KubeObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata
  return { ...object, metadata }
}

/**
 * An apply that only leaves out what defaults put back is no write: where nothing but times would change, these stay as
 * well. (Upstream: IgnoreManagedFieldsTimestampsTransformer)
 */
function withoutMereTimes({ before, after, sent = [] }: TrackedUpdate): ManagedFieldsEntry[] {
  const known = before.metadata.managedFields ?? []
  const isSame =
    isDeepStrictEqual(timeless(known), timeless(sent)) && isDeepStrictEqual(content(before), content(after))
  return [...(isSame ? known : sent)]
}

function timeless(entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  return entries.map(({ time: _time, ...entry }) => entry)
}

/** As it would be stored, without versions. */
function content(object: KubeObject): unknown {
  const { resourceVersion: _resourceVersion, managedFields: _managedFields, ...metadata } = object.metadata
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object
  return JSON.parse(JSON.stringify({ ...rest, metadata }))
}
