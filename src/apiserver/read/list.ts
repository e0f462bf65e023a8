/** Which objects a list request returns, and as of which revision. */
import { badRequest, expired, type StatusError } from '../../api/machinery/status.ts'
import { StoreError } from '../../store/contract.ts'
import { Entry } from '../cache/entry.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { ServerContext } from '../context.ts'
import type { ServedResource } from '../registry.ts'
import { type ContinueToken, decodeContinue, encodeContinue } from './continue.ts'
import { waitForRevision } from './freshness.ts'
import { type ListOptions, parseResourceVersion } from './options.ts'
import type { Selection } from './selection.ts'

export interface ListRequest {
  readonly resource: ServedResource
  readonly namespace: string
  readonly options: ListOptions
  readonly selection: Selection
}

export interface ListPage {
  readonly entries: readonly Entry[]
  readonly revision: number
  /** '' on the last page. */
  readonly continue: string
  /** Only known for unfiltered lists. */
  readonly remaining: number | undefined
}

export async function list(context: ServerContext, request: ListRequest): Promise<ListPage> {
  const { options } = request
  const cache = await context.feed.cache(request.resource)
  if (options.continue) return listContinued(context, cache, request)
  const wanted = parseResourceVersion(options.resourceVersion)
  if (wanted === 0) {
    if (options.resourceVersion === '') await context.feed.current()
    // Like Kubernetes, "any version" is answered in one piece from memory.
    return pageFromCache(cache, request, {
      revision: context.feed.revision,
      limit: options.resourceVersion === '0' ? 0 : options.limit,
    })
  }
  await waitForRevision(context, wanted)
  const exact = options.resourceVersionMatch === 'Exact' || (options.resourceVersionMatch === '' && options.limit > 0)
  if (!exact) return pageFromCache(cache, request, { revision: context.feed.revision, limit: options.limit })
  return pageAt(context, cache, request, { revision: wanted, after: '' })
}

async function listContinued(context: ServerContext, cache: ResourceCache, request: ListRequest): Promise<ListPage> {
  const token = decodeContinue(request.options.continue)
  if (request.options.resourceVersion !== '' && request.options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  await context.feed.current()
  if (token.revision < 0) {
    return pageFromCache(cache, request, {
      revision: context.feed.revision,
      limit: request.options.limit,
      after: token.after,
    })
  }
  return pageAt(context, cache, request, token)
}

/** A page of the state at a revision: from memory if nothing changed since, else from the store's history. */
async function pageAt(
  context: ServerContext,
  cache: ResourceCache,
  request: ListRequest,
  token: ContinueToken,
): Promise<ListPage> {
  const { revision, after } = token
  if (cache.revision <= revision) {
    return pageFromCache(cache, request, { revision, limit: request.options.limit, after })
  }
  try {
    return await pageFromStore(context, request, token)
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'compacted') throw error
    throw request.options.continue
      ? expiredContinue(after)
      : expired('The resourceVersion for the provided list is too old.')
  }
}

function pageFromCache(
  cache: ResourceCache,
  request: ListRequest,
  at: { revision: number; limit: number; after?: string },
): ListPage {
  const all = cache.list(request.namespace)
  const { prefix } = request.resource
  const from = at.after ? firstAfter(all, prefix + at.after) : 0
  const { matches, everything } = request.selection
  if (at.limit === 0) {
    const entries = everything && from === 0 ? all : all.slice(from).filter(matches)
    return { entries, revision: at.revision, continue: '', remaining: undefined }
  }
  const entries: Entry[] = []
  let next = from
  while (next < all.length && entries.length < at.limit) {
    const entry = all[next++]!
    if (matches(entry)) entries.push(entry)
  }
  const left = all.length - next
  const last = all[next - 1]
  return {
    entries,
    revision: at.revision,
    continue: left > 0 && last ? encodeContinue({ revision: at.revision, after: last.key.slice(prefix.length) }) : '',
    remaining: left > 0 && everything ? left : undefined,
  }
}

function firstAfter(entries: readonly Entry[], key: string): number {
  const found = entries.findIndex((entry) => entry.key > key)
  return found < 0 ? entries.length : found
}

async function pageFromStore(
  context: ServerContext,
  request: ListRequest,
  { revision, after }: ContinueToken,
): Promise<ListPage> {
  const { resource, namespace, options, selection } = request
  const prefix = namespace ? `${resource.prefix}${namespace}/` : resource.prefix
  const entries: Entry[] = []
  let position = after ? resource.prefix + after : ''
  for (;;) {
    const missing = options.limit === 0 ? 0 : options.limit - entries.length
    const page = await context.store.range({ prefix, revision, limit: missing, ...(position && { after: position }) })
    for (const kv of page.kvs) {
      const entry = Entry.fromStored(resource, kv.key, kv.modRevision, kv.value)
      if (selection.matches(entry)) entries.push(entry)
    }
    position = page.kvs.at(-1)?.key ?? position
    if (page.remaining === 0 || page.kvs.length === 0) return { entries, revision, continue: '', remaining: undefined }
    if (entries.length < options.limit) continue
    const token = encodeContinue({ revision, after: position.slice(resource.prefix.length) })
    return { entries, revision, continue: token, remaining: selection.everything ? page.remaining : undefined }
  }
}

/** The answer carries a token with which the client may go on, at the price of consistency. */
function expiredContinue(after: string): StatusError {
  const error = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list ' +
      'without the continue parameter, or use the continue token in this response to retrieve the remainder of the ' +
      'results. Continuing with the provided token results in an inconsistent list - objects that were created, ' +
      'modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  )
  error.status.metadata = { continue: encodeContinue({ revision: -1, after }) }
  return error
}
