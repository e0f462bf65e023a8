/** Slow start: 1, 2, 4, 8, … at a time, so that a create that cannot succeed fails once and not five hundred times. */

/** Most creations or deletions of one sync. */
export const burstMax = 500

/** Runs `create` up to `count` times in doubling batches; stops after a batch with a failure, and throws its first. */
export async function slowStart(count: number, create: () => Promise<unknown>): Promise<number> {
  let done = 0
  for (let size = 1; done < count; size *= 2) {
    const batch = Math.min(size, count - done)
    const results = await Promise.allSettled(Array.from({ length: batch }, create))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    done += batch
  }
  return done
}
