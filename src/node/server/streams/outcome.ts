/** How a command went, as the Status that clients of exec and attach get at the end. */
import type { Status } from '../../../api/generated/meta.v1.ts'
import { internalError } from '../../../api/machinery/status.ts'

export const success: Status = { metadata: {}, status: 'Success' }

/** As the kubelet says it: kubectl's own exit code comes from the cause. */
export function exitStatus(code: number): Status {
  if (code === 0) return success
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  }
}

export function failure(message: string): Status {
  const { metadata, status, message: text, reason, details, code } = internalError(message).status
  return { metadata, status, message: text, reason, details, code }
}

/** Older protocols say nothing of a success on the error channel, and of a failure its message. */
export function statusBytes(status: Status, format: 'json' | 'text'): Buffer {
  if (format === 'json') return Buffer.from(JSON.stringify(status))
  return Buffer.from(status.status === 'Success' ? '' : (status.message ?? ''))
}
