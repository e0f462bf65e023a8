/** What a declaration's functions may know about the request. */
import { formatTime } from '../../api/machinery/time.ts'
import type { RequestContext } from '../../api/resource.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'

export function requestContext(
  context: ServerContext,
  { user, namespace }: Pick<ResourceRequest, 'user' | 'namespace'>,
  { dryRun }: { dryRun: boolean },
): RequestContext {
  return { now: formatTime(context.clock.now()), user: user.name, namespace, dryRun, settings: context.settings }
}
