/** What a Job's controller asks of a pod. */
import { isPodTerminating } from '../../api/core/pod/conditions.ts'
import type { Job } from '../../api/generated/batch.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'

/** On every pod of a Job until it is counted, so that none goes unseen. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index'
export const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count'
export const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) ?? false
}

/** Undefined: none, or not one that a pod can have. */
export function completionIndex({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexAnnotation]
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

/** Index of a pod of an indexed Job; undefined when it is not one of those the Job has. */
export function validIndex(pod: Pod, { spec }: Job): number | undefined {
  const index = completionIndex(pod)
  return index !== undefined && index < (spec?.completions ?? 0) ? index : undefined
}

export function onlyReplacesFailed({ spec }: Job): boolean {
  return spec?.podReplacementPolicy === 'Failed'
}

/** A pod on its way out counts as failed, for it may never get to say so; unless only those who said so are replaced. */
export function isPodFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === 'Failed') return true
  if (onlyReplacesFailed(job)) return false
  return isPodTerminating(pod) && pod.status?.phase !== 'Succeeded'
}

export function isPodSucceeded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded'
}

/** When the last container ended, or the best guess at it. Milliseconds since 1970. */
export function finishedAt({ status, metadata }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => state?.terminated?.finishedAt)
  if (ends.length > 0 && ends.every((end) => end !== undefined)) return Math.max(...ends.map((end) => Date.parse(end)))
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status === 'False' && ready.lastTransitionTime) return Date.parse(ready.lastTransitionTime)
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = metadata
  if (deletionTimestamp) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000
  return creationTimestamp ? Date.parse(creationTimestamp) : 0
}

/** How often pods of this pod's index failed before it. */
export function failureCounts({ metadata }: Pod): { readonly counted: number; readonly ignored: number } {
  const read = (name: string) => Math.max(0, Math.trunc(Number(metadata.annotations?.[name] ?? 0)) || 0)
  return { counted: read(failureCountAnnotation), ignored: read(ignoredCountAnnotation) }
}
