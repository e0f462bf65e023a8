/** What controllers, the scheduler and the node agent ask about a pod. */
import type { Pod, PodCondition } from '../../generated/v1.ts'
import { formatTime } from '../../machinery/time.ts'

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type)
}

/** True when the condition Ready is True. Says nothing about termination: see `isPodTerminating`. */
export function podReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True'
}

/** Ready for at least `minReadySeconds`: what a Deployment counts as available. */
export function podAvailable(pod: Pod, minReadySeconds: number, now: Date): boolean {
  return podReady(pod) && (minReadySeconds === 0 || podAvailableInMs(pod, minReadySeconds, now) === 0)
}

/**
 * Milliseconds until a ready pod becomes available; 0 when it is, undefined when it is not ready. Tells a controller
 * when to look again.
 */
export function podAvailableInMs(pod: Pod, minReadySeconds: number, now: Date): number | undefined {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return undefined
  if (minReadySeconds === 0) return 0
  if (!ready.lastTransitionTime) return undefined
  const since = now.getTime() - Date.parse(ready.lastTransitionTime)
  return Math.max(0, minReadySeconds * 1000 - since)
}

/** The pod ended by itself and will never run again. */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

/** Somebody asked for its deletion. */
export function isPodTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined
}

/** Counts towards the replicas of its owner: neither ended nor being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !isPodTerminating(pod)
}

/** All addresses of the pod, the primary one first. */
export function podIPs(pod: Pod): string[] {
  const listed = pod.status?.podIPs?.map((entry) => entry.ip).filter((ip) => ip !== '') ?? []
  if (listed.length > 0) return listed
  return pod.status?.podIP ? [pod.status.podIP] : []
}

/** Index of the condition's type replaced or appended; keeps `lastTransitionTime` when the status stays the same. */
export function setPodCondition(pod: Pod, condition: PodCondition): boolean {
  const status = (pod.status ??= {})
  const conditions = (status.conditions ??= [])
  const index = conditions.findIndex((existing) => existing.type === condition.type)
  const before = conditions[index]
  if (!before) {
    conditions.push(condition)
    return true
  }
  const next =
    before.status === condition.status && before.lastTransitionTime
      ? { ...condition, lastTransitionTime: before.lastTransitionTime }
      : condition
  const same =
    before.status === next.status &&
    before.reason === next.reason &&
    before.message === next.message &&
    before.observedGeneration === next.observedGeneration
  if (!same) conditions[index] = next
  return !same
}

/** That a pod is to end because of others than its owner, and why (KEP-3329); true since it was first said. */
export function disruptionTarget(
  pod: Pod,
  { reason, message, now }: { readonly reason: string; readonly message: string; readonly now: Date },
): PodCondition {
  const type = 'DisruptionTarget'
  const before = podCondition(pod, type)
  const { generation } = pod.metadata
  return {
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime: (before?.status === 'True' && before.lastTransitionTime) || formatTime(now),
    ...(generation && { observedGeneration: generation }),
  }
}
