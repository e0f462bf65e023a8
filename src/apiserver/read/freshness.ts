/** Reads that ask for a revision which is not there yet. */
import type { ServerContext } from '../context.ts'
import { tooLargeResourceVersion } from '../http/errors.ts'

/** How long a read waits for its revision, as upstream's watch cache. */
const freshnessTimeoutMs = 3000

/** Waits until the caches have reached `wanted`, for a while. Throws 504 "Too large resource version". */
export async function waitForRevision(context: ServerContext, wanted: number): Promise<void> {
  if (context.feed.revision >= wanted) return
  const current = await context.feed.current()
  if (current >= wanted) return
  let cancel = () => {}
  const timeout = new Promise<'late'>((resolve) => {
    cancel = context.clock.setTimeout(() => resolve('late'), freshnessTimeoutMs)
  })
  const outcome = await Promise.race([context.feed.reached(wanted), timeout])
  cancel()
  if (outcome === 'late') throw tooLargeResourceVersion(wanted, context.feed.revision)
}
