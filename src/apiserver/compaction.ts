/** Forgets old history: every five minutes what is older than the last but one visit, so at least ten are kept. */
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Store } from '../store/contract.ts'

const intervalMs = 5 * 60_000
/** Visits a revision must have survived. */
const keptIntervals = 2

/** Returns what stops it. */
export function startCompaction(store: Store, clock: Clock, log: Logger): () => void {
  const seen: number[] = []
  let cancel = () => {}
  const visit = async () => {
    seen.push(await store.currentRevision())
    if (seen.length <= keptIntervals) return
    const oldest = seen.shift()!
    if (oldest > 0 && oldest !== seen[0]) await store.compact(oldest)
  }
  const schedule = () => {
    cancel = clock.setTimeout(() => {
      schedule()
      visit().catch((error: unknown) => log.warn({ err: error }, 'compaction failed'))
    }, intervalMs)
  }
  schedule()
  return () => cancel()
}
