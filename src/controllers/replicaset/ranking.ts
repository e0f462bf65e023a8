/** Which pods a ReplicaSet deletes first when it has too many: upstream's ActivePodsWithRanks. */

import { podCondition, podReady } from '../../api/core/pod/conditions.ts'
import type { Pod } from '../../api/generated/v1.ts'

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'
const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }

/**
 * The `count` pods to delete. `related` are all active pods of the ReplicaSets with the same owner: pods that share
 * their node with many of them go first, so that what stays is spread.
 */
export function podsToDelete(
  pods: readonly Pod[],
  { count, related, now }: { count: number; related: readonly Pod[]; now: Date },
): Pod[] {
  if (count >= pods.length) return [...pods]
  const perNode = new Map<string, number>()
  for (const pod of related) {
    const node = pod.spec?.nodeName
    if (node) perNode.set(node, (perNode.get(node) ?? 0) + 1)
  }
  const rank = (pod: Pod) => perNode.get(pod.spec?.nodeName ?? '') ?? 0
  return [...pods].sort((a, b) => preference(a, b, rank, now)).slice(0, count)
}

/** Negative: `a` is deleted before `b`. The first difference decides. */
function preference(a: Pod, b: Pod, rank: (pod: Pod) => number, now: Date): number {
  return (
    Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName)) ||
    (phaseOrder[a.status?.phase ?? ''] ?? 0) - (phaseOrder[b.status?.phase ?? ''] ?? 0) ||
    Number(podReady(a)) - Number(podReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    rank(b) - rank(a) ||
    (podReady(a) && podReady(b) ? youngerFirst(readySince(a), readySince(b), now) : 0) ||
    restarts(b) - restarts(a) ||
    youngerFirst(a.metadata.creationTimestamp, b.metadata.creationTimestamp, now) ||
    ((a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1)
  )
}

/** Ages are compared by order of magnitude (KEP-2185), so that pods of about one age go in no particular order. */
function youngerFirst(a: string | undefined, b: string | undefined, now: Date): number {
  if (!a || !b) return Number(Boolean(a)) - Number(Boolean(b))
  return magnitude(a, now) - magnitude(b, now)
}

function magnitude(since: string, now: Date): number {
  return Math.floor(Math.log2(Math.max(1, (now.getTime() - Date.parse(since)) * 1e6)))
}

function readySince(pod: Pod): string | undefined {
  return podCondition(pod, 'Ready')?.lastTransitionTime
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata.annotations?.[deletionCostAnnotation] ?? 0)
  return Number.isInteger(cost) ? cost : 0
}

function restarts(pod: Pod): number {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  const sidecars = new Set(pod.spec?.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  const counted = [...containerStatuses, ...initContainerStatuses.filter((status) => sidecars.has(status.name))]
  return Math.max(0, ...counted.map((status) => status.restartCount))
}
