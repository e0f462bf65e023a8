/** create: decode, default, admit, prepare, validate, commit. */
import { randomUUID } from 'node:crypto'
import type { ManagedFieldsEntry } from '../../api/generated/meta.v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { alreadyExistsError, notFoundError, StatusError } from '../../api/machinery/status.ts'
import { validateObjectMeta } from '../../api/machinery/validate-meta.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import { requireVerb } from '../authorization/require.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { readBody } from '../http/body.ts'
import { jsonBytes } from '../http/respond.ts'
import { commitObject, ObjectChanged, type Written } from './commit.ts'
import { adoptTarget, stampNew } from './metadata.ts'
import { generateName } from './name.ts'
import { requireLiveNamespace } from './namespaces.ts'
import { parseWriteOptions, type WriteOptions } from './options.ts'
import { refuse } from './refuse.ts'
import { requestContext } from './request-context.ts'

/** As often as upstream looks for a free generated name. */
const generatedNameTriesMax = 8

export async function handleCreate(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const options = parseWriteOptions(request.query, 'CreateOptions')
  const { definition } = request.resource
  const object = await readBody<KubeObject>(request, definition, options)
  const created = await createObject(context, request, object, options)
  return jsonBytes(201, created.bytes)
}

/** Also used where an update creates. `object` is taken over. */
export async function createObject(
  context: ServerContext,
  request: ResourceRequest,
  object: KubeObject,
  { dryRun, managedFields }: Pick<WriteOptions, 'dryRun'> & { readonly managedFields?: ManagedFieldsEntry[] },
): Promise<Written> {
  const { resource } = request
  const { definition } = resource
  const isCreate = request.method === 'POST'
  // An update or apply that creates needs the right to create.
  if (!isCreate) await requireVerb(context, request, 'create')
  object.metadata ??= { name: '' }
  object.metadata.name ??= ''
  if (isCreate) refuseVersion(object)
  adoptTarget(object, request)
  await requireLiveNamespace(context, resource, { namespace: request.namespace, name: object.metadata.name })
  const at = requestContext(context, request, { dryRun })
  stampNew(object.metadata, { uid: randomUUID(), now: at.now })
  definition.setDefaults?.(object, at)
  const owned = managedFields ?? (await trackCreation(context, request, { after: object, now: at.now }))
  if (owned) object.metadata.managedFields = owned
  await context.admission.run('mutate', context, { operation: 'CREATE', request, object, old: undefined, dryRun })
  const generate = object.metadata.name === '' ? object.metadata.generateName : undefined
  for (let attempt = 1; ; attempt++) {
    // Strategies may write the name elsewhere, too: each attempt begins with what was given.
    const next = generate ? structuredClone(object) : object
    if (generate) next.metadata.name = generateName(generate)
    definition.prepareForCreate?.(next, at)
    const errors = [...validateObjectMeta(next.metadata, definition), ...(definition.validate?.(next, at) ?? [])]
    if (errors.length > 0) await refuse(context, resource, { next, old: undefined, errors })
    for (const warning of definition.warningsOnCreate?.(next) ?? []) request.warnings.add(warning)
    definition.canonicalize?.(next)
    const attributes: AdmissionAttributes = { operation: 'CREATE', request, object: next, old: undefined, dryRun }
    await context.admission.run('validate', context, attributes)
    try {
      return await commitObject(context, resource, next, { previous: undefined, dryRun })
    } catch (error) {
      if (!(error instanceof ObjectChanged)) throw error
      if (!generate || attempt === generatedNameTriesMax) throw exists(request, next.metadata.name)
    }
  }
}

/** Who names itself as a manager wants it known; most writers do not, and pay nothing. */
async function trackCreation(
  context: ServerContext,
  request: ResourceRequest,
  { after, now }: { after: KubeObject; now: string },
): Promise<ManagedFieldsEntry[] | undefined> {
  if (!request.query.get('fieldManager')) return undefined
  const { trackUpdate } = await import('./managed-fields.ts')
  const nothing = { metadata: { name: '' } }
  // A status that a client sends along is not what the object gets.
  const { status: _status, ...main } = after as KubeObject & { status?: unknown }
  const kept = request.resource.definition.status ? main : after
  return trackUpdate(context, request, { before: nothing, after: kept, sent: undefined, isApply: false, now })
}

/** The store gives the version; kube-apiserver too says so with a 500 that has no reason. */
function refuseVersion({ metadata: { resourceVersion = '' } }: KubeObject): void {
  if (resourceVersion === '' || resourceVersion === '0') return
  throw new StatusError({ code: 500, message: 'resourceVersion should not be set on objects to be created' })
}

function exists({ resource }: ResourceRequest, name: string): StatusError {
  return alreadyExistsError(resource.groupResource, name)
}

export function missing({ resource, name }: ResourceRequest): StatusError {
  return notFoundError(resource.groupResource, name)
}
