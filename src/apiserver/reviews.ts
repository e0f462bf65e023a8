/** Kinds that are asked, not stored: who answers, to creates or to reads. Loaded when first asked. */
import type { ApiResponse } from '../client/transport.ts'
import type { ResourceRequest, ServerContext } from './context.ts'

type Answer = (context: ServerContext, request: ResourceRequest) => Promise<ApiResponse>

const access: Answer = async (...asked) => (await import('./authorization/reviews.ts')).handleAccessReview(...asked)

/** By the resource's prefix. */
export const answerers: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['/registry/authorization.k8s.io/localsubjectaccessreviews/', access],
  ['/registry/authorization.k8s.io/selfsubjectaccessreviews/', access],
  ['/registry/authorization.k8s.io/subjectaccessreviews/', access],
  [
    '/registry/authorization.k8s.io/selfsubjectrulesreviews/',
    async (...asked) => (await import('./authorization/reviews.ts')).handleRulesReview(...asked),
  ],
  [
    '/registry/authentication.k8s.io/selfsubjectreviews/',
    async (...asked) => (await import('./authentication/reviews.ts')).handleSelfReview(...asked),
  ],
  [
    '/registry/authentication.k8s.io/tokenreviews/',
    async (...asked) => (await import('./authentication/reviews.ts')).handleTokenReview(...asked),
  ],
  [
    '/registry/core/componentstatuses/',
    async (...asked) => (await import('./component-statuses.ts')).handleComponentStatuses(...asked),
  ],
])
