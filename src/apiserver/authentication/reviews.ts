/** SelfSubjectReview and TokenReview: what authentication made of a request, or makes of a token. */
import type { SelfSubjectReview, TokenReview, TokenReviewStatus } from '../../api/generated/authentication.k8s.io.v1.ts'
import { badRequest } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { ResourceRequest, ServerContext } from '../context.ts'
import type { UserInfo } from '../handler.ts'
import { readBody } from '../http/body.ts'
import { answered } from '../http/review.ts'
import { parseWriteOptions } from '../write/options.ts'
import { TokenError } from './tokens.ts'

export async function handleSelfReview(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const options = parseWriteOptions(request.query, 'CreateOptions')
  const review = await readBody<SelfSubjectReview>(request, request.resource.definition, options)
  const metadata = { ...review.metadata, creationTimestamp: formatTime(context.clock.now()) }
  return answered({ ...review, metadata }, { userInfo: userInfo(request.user) })
}

export async function handleTokenReview(context: ServerContext, request: ResourceRequest): Promise<ApiResponse> {
  const options = parseWriteOptions(request.query, 'CreateOptions')
  const review = await readBody<TokenReview>(request, request.resource.definition, options)
  const { token, audiences = [] } = review.spec
  if (review.metadata.namespace) throw badRequest(`namespace is not allowed on this type: ${review.metadata.namespace}`)
  if (!token) throw badRequest('token is required for TokenReview in authentication')
  return answered(review, await statusOf(context, token, audiences))
}

const refused = 'invalid bearer token'

async function statusOf(
  { tokens }: ServerContext,
  token: string,
  audiences: readonly string[],
): Promise<TokenReviewStatus> {
  try {
    const found = await tokens.authenticate(token, audiences.length > 0 ? audiences : tokens.audiences)
    if (!found) return { user: {}, error: refused }
    return { authenticated: true, user: userInfo(found.user), audiences: [...found.audiences] }
  } catch (error) {
    // Each authenticator says what it has against the token; kube-apiserver's first knows its own loopback token alone.
    if (error instanceof TokenError) return { user: {}, error: `[${refused}, ${error.message}]` }
    throw error
  }
}

function userInfo({ name, uid, groups, extra }: UserInfo) {
  const entries = Object.entries(extra ?? {}).map(([key, values]): [string, string[]] => [key, [...values]])
  return {
    username: name,
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(entries.length > 0 && { extra: Object.fromEntries(entries) }),
  }
}
