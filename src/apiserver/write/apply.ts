/** Server-side apply (KEP-555): a patch that says what its sender wants to own, and nothing of what others do. */

import { type GroupVersionKind, typeNameOf } from '../../api/machinery/body.ts'
import { decode } from '../../api/machinery/decode.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { conflictError, isReason } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import {
  ApplyConflict,
  applyConfig,
  type Conflict,
  decodeOwners,
  encodeOwners,
  type ManagerId,
  type Owner,
  recordUpdate,
  stillAsApplied,
  type Topology,
  type Views,
  type Writer,
} from '../../api/managedfields/index.ts'
import type { UpdateStrategy } from '../../api/resource.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { jsonBytes } from '../http/respond.ts'
import { findEntry } from '../read/index.ts'
import { type AppliedConfig, readConfig, readScaleConfig } from './apply-config.ts'
import { conflictStatus } from './apply-conflict.ts'
import type { Written } from './commit.ts'
import { createObject, missing } from './create.ts'
import { lastAppliedOf, withLastApplied } from './last-applied.ts'
import { managerName, topologyOf, untracked, viewsOf } from './managed-fields.ts'
import { type PatchOptions, parsePatchOptions } from './options.ts'
import { updateObject } from './update.ts'

export async function handleApply(
  context: ServerContext,
  request: ResourceRequest,
  strategy: UpdateStrategy<KubeObject>,
): Promise<ApiResponse> {
  const options = parsePatchOptions(request.query, { isApply: true })
  const applied = await readConfig(request, options)
  const { code, written } = await applyObject(context, request, { strategy, options, applied })
  return jsonBytes(code, written.bytes)
}

/** Applies a Scale to what it scales, and returns that. */
export async function applyScale(
  context: ServerContext,
  request: ResourceRequest,
  scaleKind: GroupVersionKind,
): Promise<Written> {
  const options = parsePatchOptions(request.query, { isApply: true })
  const applied = await readScaleConfig(request, options, scaleKind)
  const { written } = await applyObject(context, request, { strategy: request.resource.definition, options, applied })
  return written
}

interface ApplyRequest {
  readonly strategy: UpdateStrategy<KubeObject>
  readonly options: PatchOptions
  readonly applied: AppliedConfig
}

async function applyObject(
  context: ServerContext,
  request: ResourceRequest,
  { strategy, options, applied }: ApplyRequest,
): Promise<{ code: 200 | 201; written: Written }> {
  const application = new Application(context, request, applied)
  for (;;) {
    if (await findEntry(context, request)) {
      const change = (current: Entry) => application.over(current.copy())
      const update = { strategy, options, change, tracked: true }
      return { code: 200, written: await updateObject(context, request, update) }
    }
    if (request.subresource) throw missing(request)
    try {
      const { object, managedFields } = application.alone()
      return { code: 201, written: await createObject(context, request, object, { ...options, managedFields }) }
    } catch (error) {
      // Somebody else made it meanwhile: then it is an update.
      if (options.dryRun || !isReason(error, 'AlreadyExists')) throw error
    }
  }
}

class Application {
  readonly #applied: AppliedConfig
  readonly #resource: ResourceRequest['resource']
  readonly #name: string
  readonly #topology: Topology
  readonly #views: Views
  readonly #writer: Writer

  constructor(context: ServerContext, request: ResourceRequest, applied: AppliedConfig) {
    const { resource, subresource } = request
    this.#applied = applied
    this.#resource = resource
    this.#name = request.name
    this.#topology = topologyOf(resource)
    this.#views = viewsOf(context, resource)
    const id: ManagerId = {
      manager: managerName(request),
      operation: 'Apply',
      apiVersion: resource.apiVersion,
      subresource,
    }
    this.#writer = { id, now: formatTime(context.clock.now()) }
  }

  /** The object that comes out where there is none yet. Throws 400 and 409. */
  alone() {
    const { object, owners } = this.#merge({ metadata: { name: '' } }, [])
    const { uid } = object.metadata
    if (uid) {
      const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`
      throw conflictError(this.#resource.groupResource, this.#name, why)
    }
    return { object, managedFields: encodeOwners(owners) }
  }

  /** The object that comes out, with its managedFields. Throws 400 and 409. */
  over(stored: KubeObject): KubeObject {
    const live = untracked(stored)
    const { managedFields = [] } = stored.metadata
    const known = managedFields.length > 0 ? decodeOwners(managedFields) : undefined
    const { object, owners } = this.#merge(live, known ?? this.#beforeFirstApply(live))
    const { metadata } = object
    metadata.managedFields = encodeOwners(owners)
    // Client-side apply goes on from here if its user returns to it.
    if (this.#isKubectl && lastAppliedOf(metadata) !== undefined) {
      metadata.annotations = withLastApplied(metadata.annotations, this.#applied.config)
    }
    return object
  }

  get #isKubectl(): boolean {
    return this.#writer.id.manager === 'kubectl'
  }

  #merge(live: KubeObject, owners: readonly Owner[]) {
    try {
      return this.#attempt(live, owners, this.#applied.force)
    } catch (error) {
      if (!(error instanceof ApplyConflict)) throw error
      const blocking = this.#blocking(error.conflicts, live)
      if (blocking.length > 0) throw conflictStatus(blocking)
      return this.#attempt(live, owners, true)
    }
  }

  #attempt(live: KubeObject, owners: readonly Owner[], force: boolean) {
    const typeName = typeNameOf(this.#resource.definition)
    const canonical = (merged: object) => decode<KubeObject>(typeName, structuredClone(merged)).object
    const application = { live, config: this.#applied.config, canonical, force }
    const type = { topology: this.#topology, views: this.#views }
    return applyConfig(owners, application, this.#writer, type)
  }

  /** kubectl may take over what it applied itself on the client, as long as the values are still those. */
  #blocking(conflicts: readonly Conflict[], live: KubeObject): readonly Conflict[] {
    const annotation = lastAppliedOf(live.metadata)
    if (!this.#isKubectl || annotation === undefined) return conflicts
    try {
      const allowed = stillAsApplied(JSON.parse(annotation) as object, live, this.#topology)
      return conflicts.filter(({ path }) => !allowed.has(path))
    } catch {
      // Nobody promises what is in an annotation.
      return conflicts
    }
  }

  /** Whatever is there belongs to one manager that stands for all who wrote it. */
  #beforeFirstApply(live: KubeObject): Owner[] {
    const { apiVersion, definition } = this.#resource
    const id: ManagerId = { manager: 'before-first-apply', operation: 'Update', apiVersion, subresource: '' }
    const { status: _status, ...main } = live as KubeObject & { status?: unknown }
    const after = definition.status ? main : live
    return recordUpdate([], { before: {}, after }, { ...this.#writer, id }, this.#views)
  }
}
