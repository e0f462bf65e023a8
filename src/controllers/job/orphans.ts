/** Pods that no Job counts any more: they lose the finalizer that would keep them for ever. */
import { isJobFinished } from '../../api/batch/conditions.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { controllerOf, objectKey } from '../../api/machinery/object.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'
import { byController } from '../shared/owners.ts'
import { isTracked, trackingFinalizer } from './pods.ts'

export function startOrphanRelease(ctx: ControllerContext): void {
  const jobs = ctx.informers.of(resources.jobs)
  const pods = ctx.informers.indexed(resources.pods, byController)

  /** Nobody will count it: it has no Job, or one that is over. */
  const isOrphan = (pod: Pod): boolean => {
    if (!isTracked(pod)) return false
    const owner = controllerOf(pod)
    if (!owner) return true
    if (owner.kind !== 'Job' || owner.apiVersion !== 'batch/v1') return false
    const job = jobs.get(`${pod.metadata.namespace}/${owner.name}`)
    return job?.metadata.uid !== owner.uid || isJobFinished(job)
  }
  const queue = startQueue(ctx, {
    name: 'job-orphan',
    after: [jobs, pods],
    async reconcile(key) {
      const pod = pods.get(key)
      if (!pod || !isOrphan(pod)) return
      // An orphan that a Job is about to adopt keeps it: the claim comes back with an event.
      const patch = { metadata: { uid: pod.metadata.uid, '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } }
      await tolerateGone(ctx.client.patch(resources.pods, pod.metadata, patch))
    },
  })
  pods.onChange(({ type, object }) => {
    if (type !== 'deleted' && jobs.hasSynced && isOrphan(object)) queue.add(objectKey(object))
  })
  jobs.onChange(({ type, object }) => {
    if (type !== 'deleted' && !isJobFinished(object)) return
    for (const pod of pods.byIndex(byController.name, object.metadata.uid ?? '')) {
      if (isTracked(pod)) queue.add(objectKey(pod))
    }
  })
}
