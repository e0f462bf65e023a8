/** Whether a request may go on, and as whom: impersonation, then authorization. */
import { impersonated, impersonates } from './authentication/impersonation.ts'
import { attributesOf } from './authorization/attributes.ts'
import { notAllowed } from './authorization/forbidden.ts'
import type { ServerContext } from './context.ts'
import { verbOf } from './dispatch.ts'
import type { UserInfo } from './handler.ts'
import type { ResourceRoute } from './routing/route.ts'

export interface AccessRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** undefined: no resource is served there. */
  readonly route: ResourceRoute | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** The user the request is to be taken for; StatusError 403 when that one may not. At once where memory knows. */
export function requireAccess(
  context: ServerContext,
  user: UserInfo,
  request: AccessRequest,
): UserInfo | Promise<UserInfo> {
  return impersonates(request.headers) ? asAnother(context, user, request) : authorized(context, user, request)
}

async function asAnother(context: ServerContext, user: UserInfo, request: AccessRequest): Promise<UserInfo> {
  return authorized(context, await impersonated(context.authorizer, user, request.headers), request)
}

function authorized(context: ServerContext, user: UserInfo, request: AccessRequest): UserInfo | Promise<UserInfo> {
  const { method, path, query, route } = request
  const verb = (name: string) => verbOf({ method, name, query })
  const attributes = attributesOf({ user, method, verbOf: verb, path, query, route })
  const decision = context.authorizer.authorize(attributes)
  if (decision instanceof Promise) {
    return decision.then(({ allowed, reason }) => {
      if (!allowed) throw notAllowed(attributes, reason)
      return user
    })
  }
  if (!decision.allowed) throw notAllowed(attributes, decision.reason)
  return user
}
