/** The answer to a review: what was asked, with a status. It has no name, since it is kept nowhere. */
import type { KubeObject } from '../../api/machinery/object.ts'
import type { ApiResponse } from '../../client/transport.ts'
import { json } from './respond.ts'

export function answered(review: KubeObject, status: object): ApiResponse {
  const { name, ...metadata } = review.metadata
  return json(201, { ...review, metadata: { ...(name && { name }), ...metadata }, status })
}
