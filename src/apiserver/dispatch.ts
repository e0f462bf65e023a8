/** From a resource request to the handler of its verb. */
import { ephemeralContainersStrategy } from '../api/core/pod/ephemeral.ts'
import { resizeStrategy } from '../api/core/pod/resize.ts'
import type { KubeObject } from '../api/machinery/object.ts'
import type { UpdateStrategy } from '../api/resource.ts'
import type { ApiResponse } from '../client/transport.ts'
import { handleTokenRequest } from './authentication/token-request.ts'
import type { ResourceRequest, ServerContext } from './context.ts'
import { methodNotAllowed, resourceNotFound } from './http/errors.ts'
import { handleGet, handleListOrWatch } from './read/index.ts'
import { answerers } from './reviews.ts'
import { handleEviction } from './subresources/eviction.ts'
import { handleLog } from './subresources/log.ts'
import { finalizeStrategy } from './subresources/namespaces.ts'
import { handleBinding } from './subresources/pods.ts'
import { handleScale } from './subresources/scale.ts'
import { isStreamed } from './subresources/stream-options.ts'
import { refuseWithoutUpgrade } from './subresources/streams.ts'
import { handleCreate } from './write/create.ts'
import { handleDelete, handleDeleteCollection } from './write/delete.ts'
import { handlePatch } from './write/patch.ts'
import { handleUpdate } from './write/update.ts'

/** Kubernetes' verb of a request, as in discovery and in metrics. */
export function verbOf({ method, name, query }: Pick<ResourceRequest, 'method' | 'name' | 'query'>): string {
  switch (method) {
    case 'GET': {
      const watch = query.get('watch')
      if (watch !== null && watch !== 'false' && watch !== '0') return 'watch'
      return name ? 'get' : 'list'
    }
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return name ? 'delete' : 'deletecollection'
    default:
      return ''
  }
}

export async function dispatch(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  if (!request.query.has('timeout') || isLongRunning(request)) return handler(context, request)
  const { withinTimeout } = await import('./http/timeout.ts')
  return withinTimeout(context.clock, request.query, () => handler(context, request))
}

/** These end when they are over: a `timeout` means nothing to them. */
const longRunning: readonly string[] = ['attach', 'exec', 'log', 'portforward', 'proxy']

function isLongRunning(request: ResourceRequest): boolean {
  return longRunning.includes(request.subresource) || verbOf(request) === 'watch'
}

function handler(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  return request.subresource ? dispatchSubresource(context, request) : dispatchMain(context, request)
}

async function dispatchMain(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const { resource, name, namespace } = request
  const verb = verbOf(request)
  const ofCollection = ['list', 'create', 'deletecollection'].includes(verb)
  const misplaced = verb !== 'watch' && ofCollection !== (name === '')
  const lacksNamespace =
    (verb === 'create' || verb === 'deletecollection') && resource.definition.namespaced && !namespace
  if (!context.registry.supports(resource, verb) || misplaced || lacksNamespace) throw methodNotAllowed()
  // Kinds that are only asked do not take every verb; all others are spared the look-up.
  const answer = resource.definition.verbs && answerers.get(resource.prefix)
  if (answer) return answer(context, request)
  switch (verb) {
    case 'get':
      return handleGet(context, request)
    case 'list':
    case 'watch':
      return handleListOrWatch(context, request)
    case 'create':
      return handleCreate(context, request)
    case 'update':
      return handleUpdate(context, request, resource.definition)
    case 'patch':
      return handlePatch(context, request, resource.definition)
    case 'delete':
      return handleDelete(context, request)
    default:
      return handleDeleteCollection(context, request)
  }
}

async function dispatchSubresource(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const { definition } = request.resource
  const id = `${definition.group ? `${definition.group}/` : ''}${definition.plural}/${request.subresource}`
  if (request.subresource === 'status' && definition.status) return readOrWrite(context, request, definition.status)
  if (request.subresource === 'scale' && definition.scale) {
    requireMethod(request, ['GET', 'PUT', 'PATCH'])
    return handleScale(context, request, definition.scale)
  }
  switch (id) {
    case 'namespaces/finalize':
      requireMethod(request, ['PUT'])
      return handleUpdate(context, request, finalizeStrategy)
    case 'serviceaccounts/token':
      requireMethod(request, ['POST'])
      return handleTokenRequest(context, request)
    case 'pods/ephemeralcontainers':
      return readOrWrite(context, request, ephemeralContainersStrategy)
    case 'pods/resize':
      return readOrWrite(context, request, resizeStrategy)
    case 'pods/log':
      requireMethod(request, ['GET'])
      return handleLog(context, request)
    case 'pods/binding':
      requireMethod(request, ['POST'])
      return handleBinding(context, request)
    case 'pods/eviction':
      requireMethod(request, ['POST'])
      return handleEviction(context, request)
    default:
      return dispatchStream(context, request)
  }
}

/** Upgrades do not come this way; what does is told what is missing. */
async function dispatchStream(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const { resource, subresource, query } = request
  if (resource.definition.kind !== 'Pod' || !isStreamed(subresource)) throw resourceNotFound()
  requireMethod(request, ['GET', 'POST'])
  return refuseWithoutUpgrade(context, { route: request, subresource, query })
}

function readOrWrite(
  context: ServerContext,
  request: ResourceRequest,
  strategy: UpdateStrategy<KubeObject>,
): Promise<ApiResponse> {
  switch (request.method) {
    case 'GET':
      return handleGet(context, request)
    case 'PUT':
      return handleUpdate(context, request, strategy)
    case 'PATCH':
      return handlePatch(context, request, strategy)
    default:
      throw methodNotAllowed()
  }
}

function requireMethod({ method }: ResourceRequest, allowed: readonly string[]): void {
  if (!allowed.includes(method)) throw methodNotAllowed()
}
