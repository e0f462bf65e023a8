/** How long a Job waits before it replaces a failed pod: 10 s after the first failure in a row, twice that after each next. */
import type { Pod } from '../../api/generated/v1.ts'
import { finishedAt } from './pods.ts'

const firstMs = 10_000
const maxMs = 600_000

/** Failures since the last success. */
export interface Failures {
  readonly count: number
  /** Of the last one; milliseconds since 1970. */
  readonly lastAt: number
}

export const noFailures: Failures = { count: 0, lastAt: 0 }

/** Pods that ended since the record was made are added to it. */
export function recordEnds(before: Failures, ended: { succeeded: readonly Pod[]; failed: readonly Pod[] }): Failures {
  const successes = ended.succeeded.map(finishedAt)
  const lastSuccess = successes.length > 0 ? Math.max(...successes) : undefined
  const failures = ended.failed.map(finishedAt).filter((at) => lastSuccess === undefined || at > lastSuccess)
  if (lastSuccess !== undefined)
    return failures.length > 0 ? { count: failures.length, lastAt: max(failures) } : noFailures
  return failures.length > 0 ? { count: before.count + failures.length, lastAt: max(failures) } : before
}

function max(times: readonly number[]): number {
  return times.reduce((a, b) => Math.max(a, b))
}

/** Milliseconds left to wait. */
export function backOffMs({ count, lastAt }: Failures, now: number): number {
  if (count === 0) return 0
  const wholeMs = Math.min(maxMs, firstMs * 2 ** (count - 1))
  return Math.max(0, lastAt + wholeMs - now)
}
