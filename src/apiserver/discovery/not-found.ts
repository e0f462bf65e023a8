/** The page that is nowhere. */
import type { ApiResponse } from '../../client/transport.ts'
import { text } from '../http/respond.ts'

export function notFoundPage(): ApiResponse {
  return text(404, '404 page not found\n')
}
