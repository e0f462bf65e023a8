/** The scale subresource: an autoscaling/v1 Scale made from an object, and written back into it. */
import type { Scale } from '../../api/generated/autoscaling.v1.ts'
import { invalid, Path } from '../../api/machinery/field.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { conflictError, invalidError, staleObjectMessage } from '../../api/machinery/status.ts'
import type { ScaleStrategy } from '../../api/resource.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { Entry } from '../cache/entry.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import { mediaType, readBody } from '../http/body.ts'
import { json } from '../http/respond.ts'
import { readEntry } from '../read/index.ts'
import type { Written } from '../write/commit.ts'
import { parsePatchOptions, parseWriteOptions } from '../write/options.ts'
import { applyType, patcher } from '../write/patch.ts'
import { updateObject } from '../write/update.ts'

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

export async function handleScale(
  context: ServerContext,
  request: ResourceRequest,
  strategy: ScaleStrategy<KubeObject>,
): Promise<ApiResponse> {
  switch (request.method) {
    case 'PUT':
      return putScale(context, request, strategy)
    case 'PATCH':
      return patchScale(context, request, strategy)
    default:
      return json(200, scaleOf((await readEntry(context, request)).object, strategy))
  }
}

async function putScale(
  context: ServerContext,
  request: ResourceRequest,
  strategy: ScaleStrategy<KubeObject>,
): Promise<ApiResponse> {
  const options = parseWriteOptions(request.query, 'UpdateOptions')
  const scale = await readBody<Scale>(request, scaleKind, options)
  return writeScale(context, request, strategy, { ...options, scaleFor: () => scale })
}

async function patchScale(
  context: ServerContext,
  request: ResourceRequest,
  strategy: ScaleStrategy<KubeObject>,
): Promise<ApiResponse> {
  if (mediaType(request.headers) === applyType) {
    const { applyScale } = await import('../write/apply.ts')
    return scaleAnswer(await applyScale(context, request, scaleKind), strategy)
  }
  const options = parsePatchOptions(request.query)
  const patch = patcher(request, options)
  return writeScale(context, request, strategy, {
    ...options,
    scaleFor: (current) => patch(scaleKind, scaleOf(current.object, strategy)) as Scale,
  })
}

interface ScaleWrite {
  readonly dryRun: boolean
  readonly scaleFor: (current: Entry) => Scale
}

async function writeScale(
  context: ServerContext,
  request: ResourceRequest,
  strategy: ScaleStrategy<KubeObject>,
  { dryRun, scaleFor }: ScaleWrite,
): Promise<ApiResponse> {
  const written = await updateObject(context, request, {
    strategy: request.resource.definition,
    options: { dryRun },
    change: (current) => {
      const scale = scaleFor(current)
      const replicas = scale.spec?.replicas ?? 0
      const version = scale.metadata?.resourceVersion
      if (version && version !== String(current.revision)) {
        throw conflictError(request.resource.groupResource, request.name, staleObjectMessage)
      }
      if (replicas < 0) {
        const error = invalid(Path.of('spec', 'replicas'), replicas, 'must be greater than or equal to 0')
        throw invalidError({ group: 'autoscaling', resource: 'Scale' }, request.name, [error])
      }
      const next = current.copy()
      strategy.set(next, replicas)
      return next
    },
  })
  return scaleAnswer(written, strategy)
}

function scaleAnswer({ bytes }: Written, strategy: ScaleStrategy<KubeObject>): ApiResponse {
  return json(200, scaleOf(JSON.parse(bytes.toString()) as KubeObject, strategy))
}

function scaleOf(object: KubeObject, strategy: ScaleStrategy<KubeObject>): Scale {
  const { specReplicas, statusReplicas, selector } = strategy.get(object)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(creationTimestamp && { creationTimestamp }),
    },
    spec: { replicas: specReplicas },
    status: { replicas: statusReplicas, ...(selector && { selector }) },
  }
}
