/** Forgets old history: every minute what is older than ten, or sooner where there is very much of it. */
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Store } from '../store/contract.ts'

const intervalMs = 60_000
/** Intervals that a revision is kept for. */
const keptIntervals = 10
/** More changes than this are not kept, however young: some gigabytes at the most. */
const revisionsMax = 1_000_000

/** Returns what stops it. */
export function startCompaction(
  store: Pick<Store, 'currentRevision' | 'compact'>,
  clock: Clock,
  log: Logger,
): () => void {
  /** The revisions that earlier visits found, the oldest first. */
  const seen: number[] = []
  let compacted = 0
  let cancel = () => {}
  const visit = async () => {
    const current = await store.currentRevision()
    seen.push(current)
    const aged = seen.length > keptIntervals ? seen.shift()! : 0
    const target = Math.max(aged, current - revisionsMax)
    if (target <= compacted) return
    await store.compact(target)
    compacted = target
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
