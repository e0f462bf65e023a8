/** Writes to what may be gone by now: a later event tells the rest. */
import { isReason, StatusError } from '../../api/machinery/status.ts'

/** Undefined when there is no such object any more. */
export async function tolerateGone<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined
    throw error
  }
}

/** For requests that name a uid: undefined also when it is another object of the same name by now. */
export async function tolerateReplaced<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await tolerateGone(request)
  } catch (error) {
    if (isReason(error, 'Invalid')) return undefined
    throw error
  }
}

/** Creating in a namespace that is going away cannot succeed and need not be reported. */
export function namespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false)
  )
}
