/** Why a pod cannot run on a node, if it cannot. Reasons are the words of FailedScheduling's message. Pure. */

import { hostPortsClash, podRequests, type Requests, resourceAmount } from '../../api/core/pod/requests.ts'
import type { Node, NodeSelector, Pod } from '../../api/generated/v1.ts'
import { quantityValue } from '../../api/machinery/quantity.ts'
import {
  effectiveTaints,
  matchesNode,
  matchesNodeSelector,
  tolerates,
  unschedulableTaint,
  untolerated,
} from '../shared/placement.ts'

/** A node and the pods that are on it, or are about to be. */
export interface Candidate {
  readonly node: Node
  readonly pods: readonly Pod[]
  /** Pods of other nodes or none that others make room for here. */
  readonly nominated?: readonly Pod[]
}

/** `preemptible`: the reason is other pods, not the node itself. */
export interface Refusal {
  readonly reasons: readonly string[]
  readonly preemptible: boolean
}

/** What the pod asks for beyond the node itself. */
export interface Constraints {
  /** Where the pod's volumes can be reached from. */
  readonly volumes: readonly NodeSelector[]
  /** How the pod stands to pods everywhere. */
  readonly rules: readonly PodRule[]
}

/** Counts pods of all nodes, and judges by the counts. */
export interface PodRule {
  /** A pod comes to the node (1), or leaves it (-1). */
  readonly count: (other: Pod, node: Node, by: 1 | -1) => void
  readonly refusal: (node: Node) => Refusal | undefined
}

/**
 * Undefined: the pod fits, with the pods nominated for the node that go first, and without them, for they may end up
 * elsewhere.
 */
export function refusal(pod: Pod, candidate: Candidate, constraints: Constraints): Refusal | undefined {
  const { node, pods, nominated = [] } = candidate
  const first = nominated.filter(
    (other) => other.metadata.uid !== pod.metadata.uid && podPriority(other) >= podPriority(pod),
  )
  if (first.length > 0) {
    const count = (by: 1 | -1) =>
      first.forEach((other) => constraints.rules.forEach((rule) => rule.count(other, node, by)))
    count(1)
    const refused = filter(pod, { node, pods: [...pods, ...first] }, constraints)
    count(-1)
    if (refused) return refused
  }
  return filter(pod, candidate, constraints)
}

export function podPriority({ spec }: Pod): number {
  return spec?.priority ?? 0
}

/** The filters' order is upstream's; the first that refuses speaks. */
function filter(pod: Pod, candidate: Candidate, { volumes, rules }: Constraints): Refusal | undefined {
  const { node } = candidate
  const spec = pod.spec ?? { containers: [] }
  const cordon = { key: unschedulableTaint, effect: 'NoSchedule' }
  if (node.spec?.unschedulable && !tolerates(spec.tolerations ?? [], cordon)) return fixed('node(s) were unschedulable')
  if (untolerated(spec.tolerations, effectiveTaints(node), ['NoSchedule', 'NoExecute']))
    return fixed('node(s) had untolerated taint(s)')
  if (!matchesNode(spec, node)) return fixed("node(s) didn't match Pod's node affinity/selector")
  if (hostPortsClash(pod, candidate.pods))
    return { reasons: ["node(s) didn't have free ports for the requested pod ports"], preemptible: true }
  const lacking = insufficient(pod, candidate)
  if (lacking) return lacking
  if (!volumes.every((selector) => matchesNodeSelector(selector, node)))
    return fixed("node(s) didn't match PersistentVolume's node affinity")
  for (const rule of rules) {
    const refused = rule.refusal(node)
    if (refused) return refused
  }
  return undefined
}

function fixed(reason: string): Refusal {
  return { reasons: [reason], preemptible: false }
}

/** More than the node has in all is nothing that other pods could give way for. */
function insufficient(pod: Pod, { node, pods }: Candidate): Refusal | undefined {
  const allocatable = node.status?.allocatable ?? {}
  const reasons: string[] = []
  let preemptible = true
  const podsMax = allocatable['pods']
  if (podsMax !== undefined && pods.length + 1 > quantityValue(podsMax)) reasons.push('Too many pods')
  for (const [name, amount] of requests(pod)) {
    if (amount === 0) continue
    const total = allocatable[name] === undefined ? undefined : resourceAmount(name, allocatable[name])
    if (total === undefined && isBasic(name)) continue
    const used = pods.reduce((sum, other) => sum + (requests(other).get(name) ?? 0), 0)
    if (used + amount <= (total ?? 0)) continue
    reasons.push(`Insufficient ${name}`)
    preemptible &&= amount <= (total ?? 0)
  }
  return reasons.length > 0 ? { reasons, preemptible } : undefined
}

/** A node that does not say how much it has of these is not asked; other resources it then has none of. */
function isBasic(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name === 'ephemeral-storage'
}

const requested = new WeakMap<Pod, Requests>()

/** The pod was resized, and gave something back. */
export function takesLess(next: Pod, old: Pod): boolean {
  const now = requests(next)
  return [...requests(old)].some(([name, amount]) => (now.get(name) ?? 0) < amount)
}

function requests(pod: Pod): Requests {
  const known = requested.get(pod) ?? podRequests(pod)
  requested.set(pod, known)
  return known
}
