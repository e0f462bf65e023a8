/** update of an object or of one of its subresources: decode, check the version, prepare, validate, commit. */
import type { ManagedFieldsEntry } from '../../api/generated/meta.v1.ts'
import { invalid, Path } from '../../api/machinery/field.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { conflictError, invalidError, staleObjectMessage } from '../../api/machinery/status.ts'
import { validateObjectMetaUpdate } from '../../api/machinery/validate-meta.ts'
import type { UpdateStrategy } from '../../api/resource.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { readBody } from '../http/body.ts'
import { jsonBytes } from '../http/respond.ts'
import { findEntry } from '../read/index.ts'
import { parseResourceVersion } from '../read/options.ts'
import { commitDelete, commitObject, ObjectChanged, type Written } from './commit.ts'
import { createObject, missing } from './create.ts'
import type { TrackedUpdate } from './managed-fields.ts'
import { adoptTarget, keepIdentity, requireName, requireSameUid } from './metadata.ts'
import { namespaceFinalizers } from './namespaces.ts'
import { parseWriteOptions, type WriteOptions } from './options.ts'
import { refuse } from './refuse.ts'
import { requestContext } from './request-context.ts'

export async function handleUpdate(
  context: ServerContext,
  request: ResourceRequest,
  strategy: UpdateStrategy<KubeObject>,
): Promise<ApiResponse> {
  const options = parseWriteOptions(request.query, 'UpdateOptions')
  const { definition } = request.resource
  const sent = await readBody<KubeObject>(request, definition, options)
  requireName(sent, request)
  adoptTarget(sent, request)
  const current = await findEntry(context, request)
  if (!current && definition.allowCreateOnUpdate && request.subresource === '') {
    const created = await createObject(context, request, sent, options)
    return jsonBytes(201, created.bytes)
  }
  const change = (found: Entry) => {
    requireSameUid(request, sent, found)
    return structuredClone(sent)
  }
  const written = await updateObject(context, request, { strategy, options, change })
  return jsonBytes(200, written.bytes)
}

export interface UpdateRequest {
  readonly strategy: UpdateStrategy<KubeObject>
  readonly options: Pick<WriteOptions, 'dryRun'>
  /** The object wanted instead of the current one. Called again when somebody else was faster. */
  readonly change: (current: Entry) => KubeObject | Promise<KubeObject>
  /** The change brings its managedFields with it. */
  readonly tracked?: boolean
}

/** Reads, changes and writes until no other writer came between, or until the change itself names a stale version. */
export async function updateObject(
  context: ServerContext,
  request: ResourceRequest,
  update: UpdateRequest,
): Promise<Written> {
  for (;;) {
    const current = await findEntry(context, request)
    if (!current) throw missing(request)
    const next = await update.change(current)
    const { dryRun } = update.options
    const attributes: AdmissionAttributes = { operation: 'UPDATE', request, object: next, old: current.object, dryRun }
    next.metadata ??= { name: '' }
    await context.admission.run('mutate', context, attributes)
    await prepare(context, request, update, { next, current })
    await context.admission.run('validate', context, attributes)
    try {
      return await commitUpdate(context, request, next, { current, ...update.options })
    } catch (error) {
      if (!(error instanceof ObjectChanged)) throw error
    }
  }
}

/** Brings `next` into the form to be stored; throws when it must not be. */
async function prepare(
  context: ServerContext,
  request: ResourceRequest,
  update: UpdateRequest,
  { next, current }: { next: KubeObject; current: Entry },
): Promise<void> {
  const { strategy, options } = update
  const { resource } = request
  const { definition } = resource
  // Strategies may move parts of the old object into the new one and change them there.
  const old = current.copy()
  const at = requestContext(context, request, options)
  adoptTarget(next, request)
  requireCurrent(request, next, current)
  const { managedFields: sent } = next.metadata
  keepIdentity(next.metadata, old.metadata)
  definition.setDefaults?.(next, at)
  strategy.prepareForUpdate?.(next, old, at)
  const errors = [
    ...validateObjectMetaUpdate(next.metadata, old.metadata),
    ...(strategy.validateUpdate?.(next, old, at) ?? []),
  ]
  if (errors.length > 0) await refuse(context, resource, { next, old, errors })
  for (const warning of strategy.warningsOnUpdate?.(next, old) ?? []) request.warnings.add(warning)
  definition.canonicalize?.(next)
  const change = { before: current.object, after: next, sent, isApply: update.tracked ?? false, now: at.now }
  const managedFields = await tracking(context, request, change)
  if (managedFields) next.metadata.managedFields = managedFields
}

/** managedFields of an object that has them; most have none, and pay nothing. */
async function tracking(
  context: ServerContext,
  request: ResourceRequest,
  change: TrackedUpdate,
): Promise<ManagedFieldsEntry[] | undefined> {
  if (!change.isApply && !change.before.metadata.managedFields) return undefined
  const { trackUpdate } = await import('./managed-fields.ts')
  return trackUpdate(context, request, change)
}

function requireCurrent({ resource, name }: ResourceRequest, next: KubeObject, current: Entry): void {
  const sent = next.metadata.resourceVersion ?? ''
  if (sent === '' || sent === '0') {
    if (resource.definition.allowUnconditionalUpdate !== false) {
      next.metadata.resourceVersion = String(current.revision)
      return
    }
    const error = invalid(Path.of('metadata', 'resourceVersion'), 0, 'must be specified for an update')
    // Upstream names the resource here, not the kind.
    throw invalidError(resource.groupResource, name, [error])
  }
  if (parseResourceVersion(sent) !== current.revision) {
    throw conflictError(resource.groupResource, name, staleObjectMessage)
  }
}

/** An object that was only waiting for its last finalizer goes with it. */
async function commitUpdate(
  context: ServerContext,
  { resource }: ResourceRequest,
  next: KubeObject,
  { current, dryRun }: { current: Entry; dryRun: boolean },
): Promise<Written> {
  if (!isFinished(next)) return commitObject(context, resource, next, { previous: current, dryRun })
  await commitDelete(context, resource, current, { dryRun })
  const metadata = { ...next.metadata, resourceVersion: String(current.revision) }
  const object = { ...next, apiVersion: resource.apiVersion, kind: resource.definition.kind, metadata }
  return { bytes: Buffer.from(JSON.stringify(object)), object }
}

function isFinished(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
  if (!deletionTimestamp || (deletionGracePeriodSeconds ?? 0) > 0) return false
  return (finalizers ?? []).length === 0 && namespaceFinalizers(object).length === 0
}
