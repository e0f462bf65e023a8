/** What a handler finds out that its request also needs: the right to another verb on the same resource. */
import type { ResourceRequest, ServerContext } from '../context.ts'
import { type Attributes, attributesOf } from './attributes.ts'
import { notAllowed } from './forbidden.ts'

/** Throws StatusError 403. */
export async function requireVerb(context: ServerContext, request: ResourceRequest, verb: string): Promise<void> {
  const { user, method, query } = request
  const attributes: Attributes = attributesOf({ user, method, verbOf: () => verb, path: '', query, route: request })
  const { allowed, reason } = await context.authorizer.authorize(attributes)
  if (!allowed) throw notAllowed(attributes, reason)
}
