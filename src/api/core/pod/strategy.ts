/** How a pod is prepared for being written. */
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import type { Pod, PodCondition } from '../../generated/v1.ts'
import { admitPod, admitPodUpdate } from './admission.ts'
import { setPodCondition } from './conditions.ts'
import { applyLabelKeys } from './label-keys.ts'
import { qosClass } from './qos.ts'

export function preparePodForCreate(pod: Pod): void {
  startGeneration(pod)
  admitPod(pod)
  applyLabelKeys(pod)
  pod.status = { phase: 'Pending', qosClass: qosClass(pod) }
  if (pod.spec?.schedulingGates?.length) {
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    }
    setPodCondition(pod, condition)
  }
}

export function preparePodForUpdate(next: Pod, old: Pod): void {
  keepStatus(next, old)
  admitPodUpdate(next, old)
  bumpGeneration(next, old)
}

export function preparePodForStatusUpdate(next: Pod, old: Pod): void {
  keepSpec(next, old)
  const { ownerReferences } = old.metadata
  if (ownerReferences) next.metadata.ownerReferences = ownerReferences
  else delete next.metadata.ownerReferences
  next.status ??= {}
  next.status.qosClass ??= old.status?.qosClass ?? qosClass(old)
}

/** Seconds between the wish to delete a pod and its end; a pod that no node runs, or that ended, ends at once. */
export function podGracePeriodSeconds(pod: Pod): number | undefined {
  const { phase } = pod.status ?? {}
  if (!pod.spec?.nodeName || phase === 'Succeeded' || phase === 'Failed') return undefined
  const seconds = pod.spec.terminationGracePeriodSeconds ?? 30
  return seconds < 0 ? 1 : seconds
}
