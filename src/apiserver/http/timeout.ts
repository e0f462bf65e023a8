/** The `timeout` parameter: how long a client is willing to wait for an answer. */
import { parseDuration } from '../../api/machinery/duration.ts'
import { badRequest, StatusError } from '../../api/machinery/status.ts'
import type { ApiResponse } from '../../client/transport.ts'
import type { Clock } from '../../lib/clock.ts'

/** What was asked goes on when nobody waits for it any more: a write may still happen, as upstream. Throws 400 and 504. */
export async function withinTimeout(
  clock: Clock,
  query: URLSearchParams,
  answer: () => Promise<ApiResponse>,
): Promise<ApiResponse> {
  const timeoutMs = timeoutOf(query)
  if (timeoutMs === 0) return answer()
  let cancel = () => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.setTimeout(() => reject(notInTime()), timeoutMs)
  })
  try {
    return await Promise.race([answer(), late])
  } finally {
    cancel()
  }
}

/** 0: none. */
function timeoutOf(query: URLSearchParams): number {
  const text = query.get('timeout')
  if (!text) return 0
  const parsed = parseDuration(text)
  if (typeof parsed === 'string') throw badRequest(`invalid timeout specified in the request URL - ${parsed}`)
  return parsed
}

function notInTime(): StatusError {
  const message = 'Timeout: request did not complete within the allotted timeout'
  return new StatusError({ code: 504, reason: 'Timeout', message, details: {} })
}
