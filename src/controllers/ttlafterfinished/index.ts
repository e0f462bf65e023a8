/** TTL-after-finished: deletes a Job, and what it owns, `ttlSecondsAfterFinished` after its end. */
import { isJobFinished } from '../../api/batch/conditions.ts'
import type { Job } from '../../api/generated/batch.v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone, tolerateReplaced } from '../shared/gone.ts'

export function startTtlAfterFinishedController(ctx: ControllerContext): void {
  const { client, clock } = ctx
  const jobs = ctx.informers.of(resources.jobs)
  const queue = startQueue(ctx, {
    name: 'ttl-after-finished',
    after: [jobs],
    async reconcile(key) {
      const leftMs = expiresInMs(jobs.get(key), clock.now())
      if (leftMs === undefined) return
      if (leftMs > 0) return queue.addAfter(key, leftMs)
      const { metadata } = jobs.get(key) as Job
      // The cache may not know that somebody gave it more time.
      const live = await tolerateGone(client.get(resources.jobs, metadata))
      if ((expiresInMs(live, clock.now()) ?? 1) > 0) return
      const preconditions = { uid: metadata.uid ?? '' }
      await tolerateReplaced(
        client.delete(resources.jobs, metadata, { propagationPolicy: 'Foreground', preconditions }),
      )
    },
  })
  jobs.onChange(({ type, object }) => {
    if (type !== 'deleted' && expiresInMs(object, clock.now()) !== undefined) queue.add(objectKey(object))
  })
}

/** Milliseconds until the Job is to go; undefined: it stays, or has not ended. */
function expiresInMs(job: Job | undefined, now: Date): number | undefined {
  const seconds = job?.spec?.ttlSecondsAfterFinished
  if (!job || seconds === undefined || !isJobFinished(job) || job.metadata.deletionTimestamp) return undefined
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  )
  if (!end?.lastTransitionTime) return undefined
  return Math.max(0, Date.parse(end.lastTransitionTime) + seconds * 1000 - now.getTime())
}
