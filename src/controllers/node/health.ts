/** What a node's conditions and taints become when it is heard of, or not any more. Pure. */
import type { Node, NodeCondition, Taint } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { nodeReady, notReadyTaint, unreachableTaint } from '../shared/placement.ts'

const monitored = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

/** The status of a node that nobody has heard of for too long; undefined when it already says so. */
export function unknownConditions(node: Node, now: Date): NodeCondition[] | undefined {
  const conditions = node.status?.conditions ?? []
  if (monitored.every((type) => conditions.find((c) => c.type === type)?.status === 'Unknown')) return undefined
  const at = formatTime(now)
  const unknown = monitored.map((type): NodeCondition => {
    const before = conditions.find((c) => c.type === type)
    if (before?.status === 'Unknown') return before
    return {
      ...(before ?? { type, lastHeartbeatTime: node.metadata.creationTimestamp ?? at }),
      status: 'Unknown',
      reason: before ? 'NodeStatusUnknown' : 'NodeStatusNeverUpdated',
      message: before ? 'Kubelet stopped posting node status.' : 'Kubelet never posted node status.',
      lastTransitionTime: at,
    }
  })
  return [...conditions.filter((c) => !monitored.includes(c.type)), ...unknown]
}

const own = new Set([notReadyTaint, unreachableTaint])
const pressures: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
}
const unschedulable = 'node.kubernetes.io/unschedulable'

/**
 * The taints a node should have: other people's, and those that follow from its state. A new node that has not said
 * anything about readiness is left alone: its first status decides, and until then the scheduler passes it by.
 */
export function wantedTaints(node: Node, now: Date): Taint[] {
  const before = node.spec?.taints ?? []
  const ready = nodeReady(node)
  const wanted: Taint[] = []
  const add = (key: string, effect: string) => {
    const kept = before.find((taint) => taint.key === key && taint.effect === effect)
    wanted.push(kept ?? { key, effect, timeAdded: formatTime(now) })
  }
  if (node.spec?.unschedulable) add(unschedulable, 'NoSchedule')
  for (const [type, key] of Object.entries(pressures)) {
    if (node.status?.conditions?.find((c) => c.type === type)?.status === 'True') add(key, 'NoSchedule')
  }
  const down = ready === 'Unknown' ? unreachableTaint : ready === 'False' ? notReadyTaint : undefined
  if (down) {
    add(down, 'NoSchedule')
    add(down, 'NoExecute')
  }
  const managed = new Set([...own, ...Object.values(pressures), unschedulable])
  const others = before.filter(({ key, effect }) => {
    if (!managed.has(key)) return true
    return !(effect === 'NoSchedule' || (own.has(key) && effect === 'NoExecute')) || ready === undefined
  })
  const keyOf = (taint: Taint) => `${taint.key}:${taint.effect}`
  const ours = new Set(wanted.map(keyOf))
  return [...others.filter((taint) => !ours.has(keyOf(taint))), ...wanted]
}
