/** delete and deletecollection. */

import { isReason } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { json, jsonBytes, jsonType } from '../http/respond.ts'
import { findEntry, objectList, pageMetadata, pieced } from '../read/index.ts'
import { list } from '../read/list.ts'
import { parseListOptions } from '../read/options.ts'
import { select } from '../read/selection.ts'
import { commitDelete, commitObject, ObjectChanged } from './commit.ts'
import { missing } from './create.ts'
import { type DeleteOptions, readDeleteOptions, requirePreconditions } from './delete-options.ts'
import { decideDeletion } from './deletion-policy.ts'
import { requireMortal } from './namespaces.ts'

export async function handleDelete(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const options = await readDeleteOptions(request)
  const outcome = await deleteObject(context, request, options)
  // Kubernetes answers with the object where it stays a while, and for the kinds whose storage returns what it deleted.
  if (!outcome.removed) {
    const status = options.orphanDependents === false ? 202 : 200
    return jsonBytes(status, outcome.bytes)
  }
  if (returnsDeletedObject.has(request.resource.prefix)) return jsonBytes(200, outcome.bytes)
  return json(200, deletedStatus(request, outcome.uid))
}

/** Prefixes of resources whose deletes answer with the object rather than a Status. */
export const returnsDeletedObject = new Set([
  '/registry/core/persistentvolumeclaims/',
  '/registry/core/persistentvolumes/',
  '/registry/core/pods/',
  '/registry/core/podtemplates/',
  '/registry/core/resourcequotas/',
  '/registry/core/serviceaccounts/',
  '/registry/core/services/',
  '/registry/storage.k8s.io/csidrivers/',
  '/registry/storage.k8s.io/csinodes/',
  '/registry/storage.k8s.io/storageclasses/',
  '/registry/storage.k8s.io/volumeattachments/',
  '/registry/storage.k8s.io/volumeattributesclasses/',
])

function deletedStatus({ resource, name }: ResourceRequest, uid: string) {
  const { group, plural } = resource.definition
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...(group && { group }), kind: plural, uid },
  }
}

export interface DeleteOutcome {
  readonly removed: boolean
  /** The object as it was, or as it is now marked. */
  readonly bytes: Buffer
  readonly uid: string
}

/** Deletes or marks one object, again when somebody else changed it meanwhile. Throws 404 and 409. */
export async function deleteObject(
  context: ServerContext,
  request: ResourceRequest,
  options: DeleteOptions,
): Promise<DeleteOutcome> {
  requireMortal(request.resource, request.name)
  const { defaultDeletionWarning } = request.resource.definition
  const saysNothing = options.propagationPolicy === undefined && options.orphanDependents === undefined
  if (defaultDeletionWarning && saysNothing) request.warnings.add(defaultDeletionWarning)
  const dryRun = (options.dryRun ?? []).length > 0
  for (;;) {
    const current = await findEntry(context, request)
    if (!current) throw missing(request)
    requirePreconditions(request, options, current)
    await context.admission.run('validate', context, {
      operation: 'DELETE',
      request,
      object: current.object,
      old: undefined,
      dryRun,
    })
    try {
      return await deleteCurrent(context, request, options, { current, dryRun })
    } catch (error) {
      if (!(error instanceof ObjectChanged)) throw error
    }
  }
}

async function deleteCurrent(
  context: ServerContext,
  { resource }: ResourceRequest,
  options: DeleteOptions,
  { current, dryRun }: { current: Entry; dryRun: boolean },
): Promise<DeleteOutcome> {
  const uid = current.object.metadata.uid ?? ''
  const deletion = decideDeletion(resource.definition, current.object, options, context.clock.now())
  switch (deletion.type) {
    case 'none':
      return { removed: false, bytes: current.bytes, uid }
    case 'remove':
      await commitDelete(context, resource, current, { dryRun })
      return { removed: true, bytes: current.bytes, uid }
    case 'mark': {
      const marked = await commitObject(context, resource, deletion.object, { previous: current, dryRun })
      return { removed: false, bytes: marked.bytes, uid }
    }
  }
}

export async function handleDeleteCollection(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const { resource, namespace } = request
  const options = await readDeleteOptions(request)
  const listOptions = parseListOptions(request.query)
  const { labelSelector, fieldSelector } = listOptions
  const selection = select(resource, { labelSelector, fieldSelector, namespace })
  const page = await list(context, { resource, namespace, options: listOptions, selection })
  await Promise.all(
    page.entries.map(async (entry) => {
      try {
        await deleteObject(context, { ...request, namespace: entry.namespace, name: entry.name }, options)
      } catch (error) {
        // Gone already is what was asked for.
        if (!isReason(error, 'NotFound')) throw error
      }
    }),
  )
  const metadata = pageMetadata(page)
  return pieced(jsonType, objectList(resource.definition.kind, resource.apiVersion, metadata, page.entries))
}
