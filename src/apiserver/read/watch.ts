/**
 * Watches. A watch costs nothing while nothing happens; a change is encoded once for all watches of one flavour.
 *
 *   initial state, or history (memory, store) ──┐
 *   live changes of the cache ──────────────────┴─> notices (what its selectors see) ─> lines ─> the response body
 */
import { StatusError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { ServerContext } from '../context.ts'
import type { Accepted, IncludeObject } from '../http/negotiation.ts'
import type { ServedResource } from '../registry.ts'
import { waitForRevision } from './freshness.ts'
import { type ListOptions, parseResourceVersion } from './options.ts'
import type { Selection } from './selection.ts'
import { watchEncoding } from './watch-encoding.ts'
import { WatchSession } from './watch-session.ts'

export interface WatchRequest {
  readonly resource: ServedResource
  readonly namespace: string
  readonly options: ListOptions
  readonly selection: Selection
  readonly accepted: Accepted
  readonly include: IncludeObject
  readonly signal: AbortSignal | undefined
}

export async function watch(context: ServerContext, request: WatchRequest): Promise<ApiResponse> {
  const { resource, options, accepted, include } = request
  const encoding = await watchEncoding({ resource, accepted, include, now: () => context.clock.now() })
  const from = parseResourceVersion(options.resourceVersion)
  const cache = await context.feed.cache(resource)
  if (options.resourceVersion === '') await context.feed.current()
  const session = new WatchSession(context, request, { cache, encoding })
  if (options.sendInitialEvents) {
    const late = await refusal(waitForRevision(context, from))
    // Once a watch has been let in, what goes wrong is told in the stream.
    if (late) session.fail(late)
    else session.startWithState()
  } else {
    session.startAfter(from === 0 ? session.revision : from)
  }
  session.limitTo(options.timeoutSeconds)
  return { status: 200, headers: encoding.headers, body: session.body }
}

async function refusal(attempt: Promise<void>): Promise<StatusError | undefined> {
  try {
    await attempt
    return undefined
  } catch (error) {
    if (error instanceof StatusError) return error
    throw error
  }
}
