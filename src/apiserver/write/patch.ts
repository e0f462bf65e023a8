/** patch: JSON patch, merge patch and strategic merge patch, applied to the current object and then an update. */
import type { GroupVersionKind } from '../../api/machinery/body.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { applyPatch, type PatchMediaType } from '../../api/machinery/patch.ts'
import type { UpdateStrategy } from '../../api/resource.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { mediaType } from '../http/body.ts'
import { unsupportedMediaType } from '../http/errors.ts'
import { jsonBytes } from '../http/respond.ts'
import { parsePatchOptions, type WriteOptions } from './options.ts'
import { updateObject } from './update.ts'

const patchTypes: readonly PatchMediaType[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
]

export const applyType = 'application/apply-patch+yaml'

/** What the request's patch makes of an object. */
export function patcher(
  request: ResourceRequest,
  { fieldValidation }: Pick<WriteOptions, 'fieldValidation'>,
): (gvk: GroupVersionKind, current: object) => object {
  const type = patchTypes.find((known) => known === mediaType(request.headers))
  if (!type) throw unsupportedMediaType([...patchTypes, applyType])
  return (gvk, current) => {
    const { object, warnings } = applyPatch<object>(gvk, current, {
      mediaType: type,
      body: request.body,
      fieldValidation,
    })
    for (const warning of warnings) request.warnings.add(warning)
    return object
  }
}

export async function handlePatch(
  context: ServerContext,
  request: ResourceRequest,
  strategy: UpdateStrategy<KubeObject>,
): Promise<ApiResponse> {
  if (mediaType(request.headers) === applyType) {
    const { handleApply } = await import('./apply.ts')
    return handleApply(context, request, strategy)
  }
  const options = parsePatchOptions(request.query)
  const patch = patcher(request, options)
  const written = await updateObject(context, request, {
    strategy,
    options,
    change: (current) => patch(request.resource.definition, current.copy()) as KubeObject,
  })
  return jsonBytes(200, written.bytes)
}
