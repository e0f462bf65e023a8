/** The server as a value: a handler of requests, and of upgraded connections, over a store and declarations. */
import type { Duplex } from 'node:stream'
import { StatusError } from '../api/machinery/status.ts'
import type { ClusterSettings, ResourceDefinition } from '../api/resource.ts'
import { resources } from '../client/resources.ts'
import type { ApiRequest, ApiResponse } from '../client/transport.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { type Logger, silentLogger } from '../lib/log.ts'
import type { Store } from '../store/contract.ts'
import { requireAccess } from './access.ts'
import { Admission } from './admission/index.ts'
import type { Allocator } from './allocation/allocator.ts'
import { ServiceAllocator } from './allocation/service-allocator.ts'
import { userOfToken } from './authentication/bearer.ts'
import type { NoteOfUse } from './authentication/legacy.ts'
import { ServiceAccountTokens } from './authentication/tokens.ts'
import { Authorizer } from './authorization/authorizer.ts'
import { Feed } from './cache/feed.ts'
import { ServerObjects } from './cache/objects.ts'
import { startCompaction } from './compaction.ts'
import type { ResourceRequest, ServerContext } from './context.ts'
import { Pages } from './discovery/pages.ts'
import { dispatch, verbOf } from './dispatch.ts'
import type { ApiHandler, UserInfo } from './handler.ts'
import { methodNotAllowed } from './http/errors.ts'
import { headersOf } from './http/headers.ts'
import { errorResponse, withWarnings } from './http/respond.ts'
import { type ServedRequest, ServerMetrics } from './metrics.ts'
import type { ProxyConnection } from './proxy/index.ts'
import type { ProxyTarget } from './proxy/target.ts'
import { BookmarkTicker } from './read/bookmarks.ts'
import { Registry } from './registry.ts'
import { errorInFormat, pageInFormat, represented } from './representation.ts'
import { parseTarget, queryOf, type ResourceRoute, routeResource } from './routing/route.ts'
import { type AgentCredentials, AgentDialer } from './subresources/agent.ts'
import { isStreamed } from './subresources/stream-options.ts'
import { tunnel } from './subresources/streams.ts'

export interface ApiServerOptions {
  readonly store: Store
  readonly definitions: readonly ResourceDefinition[]
  readonly settings: ClusterSettings
  /** How the server proves itself to the nodes' agents; without it there are no logs and no streams. */
  readonly agents?: AgentCredentials
  /** PEM of the key that signs service account tokens; without it they last as long as the server. */
  readonly serviceAccountKeyPem?: string
  /** `host:port`, as discovery tells it. */
  readonly address?: string
  /** More checks of /readyz and /livez, by name. */
  readonly checks?: ReadonlyMap<string, () => Promise<boolean>>
  /** Other parts of the control plane by their names, for ComponentStatuses; a check rejects with what is wrong. */
  readonly components?: ReadonlyMap<string, () => Promise<void>>
  /** As kube-apiserver's --disable-admission-plugins. */
  readonly disableAdmissionPlugins?: readonly string[]
  readonly log?: Logger
  readonly clock?: Clock
}

/** A client's connection that asks for another protocol; the callee owns the socket from here. */
export interface ConnectionUpgrade {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly socket: Duplex
  readonly head: Buffer
}

export interface ApiServer {
  /** Makes the roles and bindings that every cluster has. Requests that depend on them wait for that by themselves. */
  readonly start: () => Promise<void>
  /** Whose bearer token this is; undefined: nobody's. */
  readonly userOfToken: (token: string) => UserInfo | Promise<UserInfo | undefined>
  /** For a Secret of type kubernetes.io/service-account-token. */
  readonly signLegacyToken: ServiceAccountTokens['signLegacy']
  readonly handle: ApiHandler
  /**
   * False when the target is none that takes connections over: its answer is that of `handle`. Rejects with a StatusError
   * when the connection was not taken over; nothing has been written to it then.
   */
  readonly upgrade: (request: ConnectionUpgrade, user: UserInfo) => Promise<boolean>
  /** A whole connection to a proxy subresource. Rejects with a StatusError when nothing has been sent. */
  readonly proxy: (target: ProxyTarget, connection: ProxyConnection, user: UserInfo) => Promise<void>
  close(): void
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store, definitions, settings, clock = systemClock, log = silentLogger } = options
  const registry = new Registry(definitions)
  const feed = new Feed(store, (error) => log.warn({ err: error }, 'the store watch ended; reading everything again'))
  const objects = new ServerObjects({ registry, feed, clock })
  const tokens = new ServiceAccountTokens({
    issuer: `https://kubernetes.default.svc.${settings.clusterDomain}`,
    objects,
    clock,
    note: (secret, patch) => noteUse(core, secret, patch),
    ...(options.serviceAccountKeyPem && { keyPem: options.serviceAccountKeyPem }),
  })
  const context: ServerContext = {
    store,
    registry,
    feed,
    settings,
    clock,
    log,
    bookmarks: new BookmarkTicker(clock),
    allocators: allocatorsOf(registry, { store, feed, settings, clock }),
    agents: new AgentDialer(options.agents),
    objects,
    tokens,
    authorizer: new Authorizer({ objects, bootstrap: () => bootstrap(context) }),
    // Named as upstream's store.
    components: new Map([...(options.components ?? []), ['etcd-0', async () => void (await store.currentRevision())]]),
    admission: new Admission({ disabled: options.disableAdmissionPlugins ?? [], definitions }),
  }
  const metrics = new ServerMetrics()
  const checks = new Map([
    ['ping', async () => true],
    // The name that clients know a store by.
    ['etcd', async () => (await store.currentRevision()) >= 0],
    ['poststarthook/rbac/bootstrap-roles', () => context.authorizer.rbac.load().then(() => true)],
    ...(options.checks ?? []),
  ])
  const pages = new Pages({ registry, metrics, checks, tokens, clock, serverAddress: options.address ?? '' })
  const stopCompaction = startCompaction(store, clock, log)
  const core: Core = { context, pages, metrics }
  return {
    start: () => context.authorizer.rbac.load(),
    signLegacyToken: (account, secret) => tokens.signLegacy(account, secret),
    userOfToken: (token) => userOfToken(tokens, token),
    handle: async (request, user) => errorInFormat(request, await handle(core, request, user)),
    upgrade: (request, user) => upgrade(core, request, user),
    proxy: (target, connection, user) => proxied(core, target, connection, user),
    close() {
      stopCompaction()
      feed.close()
      context.agents.close()
    },
  }
}

/** As the server itself. What cannot be noted now is noted at the next use. */
async function noteUse(core: Core, at: { namespace: string; name: string }, patch: NoteOfUse): Promise<void> {
  const request = {
    method: 'PATCH',
    path: `/api/v1/namespaces/${at.namespace}/secrets/${at.name}`,
    headers: { 'content-type': 'application/merge-patch+json', 'user-agent': 'kube-apiserver' },
    body: Buffer.from(JSON.stringify(patch)),
  }
  const { status } = await handle(core, request, { name: 'system:apiserver', groups: ['system:masters'] })
  if (status !== 200) core.context.log.warn({ ...at, status }, 'the use of a token was not noted in its secret')
}

async function bootstrap(context: ServerContext): Promise<void> {
  const { bootstrapPolicy } = await import('./authorization/bootstrap/index.ts')
  await bootstrapPolicy(context)
}

function allocatorsOf(
  registry: Registry,
  options: { store: Store; feed: Feed; settings: ClusterSettings; clock: Clock },
): ReadonlyMap<string, Allocator> {
  return new Map([[registry.served(resources.services).prefix, new ServiceAllocator(options)]])
}

interface Core {
  readonly context: ServerContext
  readonly pages: Pages
  readonly metrics: ServerMetrics
}

async function handle({ context, pages, metrics }: Core, request: ApiRequest, asks: UserInfo): Promise<ApiResponse> {
  const target = parseTarget(request.path)
  const route = routeResource(context.registry, target.path)
  const query = queryOf(target, route)
  const { method, headers = {} } = request
  const started = performance.now()
  let user: UserInfo
  try {
    const access = requireAccess(context, asks, { method, path: target.path, query, route, headers })
    user = access instanceof Promise ? await access : access
  } catch (error) {
    const refusal = await answered(context, () => Promise.reject(error))
    const seconds = (performance.now() - started) / 1000
    if (route) metrics.finished(servedRequest({ ...route, method, query }), refusal.status, seconds)
    return refusal
  }
  if (!route) {
    const page = await answered(context, () => pages.get(method, target, headers))
    return pageInFormat(request, page)
  }
  if (target.watchOnly && request.method !== 'GET') return errorResponse(methodNotAllowed())
  const resourceRequest: ResourceRequest = {
    ...route,
    method,
    query,
    headers,
    body: bodyOf(request),
    user,
    signal: request.signal,
    warnings: new Set(
      route.resource.definition.deprecationWarning ? [route.resource.definition.deprecationWarning] : [],
    ),
  }
  const response = await represented(resourceRequest, context.clock, () =>
    answered(context, () => dispatch(context, resourceRequest)),
  )
  const served = servedRequest(resourceRequest)
  metrics.finished(served, response.status, (performance.now() - started) / 1000)
  const warned = withWarnings(response, resourceRequest.warnings)
  return served.verb === 'WATCH' && response.status === 200
    ? counted(warned, () => metrics.longRunning(served))
    : warned
}

async function answered(context: ServerContext, answer: () => Promise<ApiResponse>): Promise<ApiResponse> {
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof StatusError)) context.log.error({ err: error }, 'request failed')
    return errorResponse(error)
  }
}

async function upgrade({ context, metrics }: Core, request: ConnectionUpgrade, asks: UserInfo): Promise<boolean> {
  const { path, query } = parseTarget(request.target)
  const route = routeResource(context.registry, path)
  const subresource = route?.subresource ?? ''
  if (!route || !isStreamed(subresource) || route.resource.prefix !== '/registry/core/pods/') return false
  const access = { method: request.method, path, query, route, headers: request.headers }
  await requireAccess(context, asks, access)
  // A WebSocket begins with a GET, but what goes on in it is more than reading.
  if (request.method === 'GET') await requireAccess(context, asks, { ...access, method: 'POST' })
  if (request.method !== 'GET' && request.method !== 'POST') throw methodNotAllowed()
  const { headers, socket, head } = request
  await tunnel(context, { route, subresource, query, headers, socket, head })
  socket.once('close', metrics.longRunning({ ...servedRequest({ ...route, method: 'POST', query }), verb: 'CONNECT' }))
  return true
}

async function proxied(
  { context, metrics }: Core,
  target: ProxyTarget,
  connection: ProxyConnection,
  asks: UserInfo,
): Promise<void> {
  const { method = 'GET', url = '' } = connection.request
  await requireAccess(context, asks, {
    method,
    ...parseTarget(url),
    route: undefined,
    headers: headersOf(connection.request),
  })
  const { plural: resource } = target
  const scope = 'resource'
  const ended = metrics.longRunning({
    verb: 'CONNECT',
    group: '',
    version: 'v1',
    resource,
    subresource: 'proxy',
    scope,
  })
  const { proxy } = await import('./proxy/index.ts')
  const open = 'socket' in connection ? connection.socket : connection.response
  open.once('close', ended)
  await proxy(context, target, connection)
}

const noBody = Buffer.alloc(0)

function bodyOf({ body }: ApiRequest): Buffer {
  if (body === undefined) return noBody
  return typeof body === 'string' ? Buffer.from(body) : body
}

function servedRequest(request: ResourceRoute & Pick<ResourceRequest, 'method' | 'query'>): ServedRequest {
  const { group, version, plural } = request.resource.definition
  const scope = request.name ? 'resource' : request.namespace ? 'namespace' : 'cluster'
  return {
    verb: verbOf(request).toUpperCase(),
    group,
    version,
    resource: plural,
    subresource: request.subresource,
    scope,
  }
}

/** The same response; `begin` is called when its body is first read, and what it returns when that ends. */
function counted(response: ApiResponse, begin: () => () => void): ApiResponse {
  const { body } = response
  async function* chunks(): AsyncGenerator<Buffer> {
    const ended = begin()
    try {
      yield* body
    } finally {
      ended()
    }
  }
  return { ...response, body: chunks() }
}
