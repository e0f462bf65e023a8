/** The best of the nodes that a pod fits on. Pure. */
import type { Node, Pod } from '../../api/generated/v1.ts'
import { controllerOf } from '../../api/machinery/object.ts'
import { effectiveTaints, matchesNodeSelector, tolerates } from '../shared/placement.ts'
import { affinityPreference, type NamespaceLabels } from './affinity.ts'
import type { Candidate } from './filters.ts'
import { crowding } from './spread.ts'

export interface Field {
  /** Those the pod fits on. At least one. */
  readonly fitting: readonly Candidate[]
  /** All, for how pods are spread now. */
  readonly all: readonly Candidate[]
  readonly labelsOf: NamespaceLabels
}

/** Upstream's weights of its plugins. */
const weights = { taints: 3, nodeAffinity: 2, spread: 2, podAffinity: 2 }

/** What was asked for decides first, then fewest pods of the same controller, then fewest pods at all, then the name. */
export function best(pod: Pod, field: Field): Candidate {
  const owner = controllerOf(pod)?.uid
  const score = preference(pod, field)
  const scored = field.fitting.map((candidate) => ({
    candidate,
    score: score(candidate.node),
    siblings: owner ? candidate.pods.filter((other) => controllerOf(other)?.uid === owner).length : 0,
  }))
  scored.sort(
    (a, b) =>
      b.score - a.score ||
      a.siblings - b.siblings ||
      a.candidate.pods.length - b.candidate.pods.length ||
      (a.candidate.node.metadata.name < b.candidate.node.metadata.name ? -1 : 1),
  )
  const [first] = scored
  if (!first) throw new Error('no candidates')
  return first.candidate
}

/** Each wish as a share of the best that any node offers, and then weighed. */
function preference(pod: Pod, { fitting, all, labelsOf }: Field): (node: Node) => number {
  const nodes = fitting.map(({ node }) => node)
  const crowded = crowding(pod, all)
  const liked = affinityPreference(pod, all, labelsOf)
  const wishes = [
    { weight: weights.taints, score: scaled(nodes, (node) => -avoidedTaints(pod, node)) },
    { weight: weights.nodeAffinity, score: scaled(nodes, (node) => nodeAffinity(pod, node)) },
    ...(crowded ? [{ weight: weights.spread, score: scaled(nodes, (node) => -crowded(node)) }] : []),
    ...(liked ? [{ weight: weights.podAffinity, score: scaled(nodes, liked) }] : []),
  ]
  return (node) => wishes.reduce((sum, { weight, score }) => sum + weight * score(node), 0)
}

/** Between 0 for the least of all nodes and 100 for the most; 0 for infinitely little. */
function scaled(nodes: readonly Node[], score: (node: Node) => number): (node: Node) => number {
  const scores = new Map(nodes.map((node) => [node, score(node)]))
  const finite = [...scores.values()].filter(Number.isFinite)
  const [least, most] = [Math.min(...finite), Math.max(...finite)]
  return (node) => {
    const own = scores.get(node) ?? -Infinity
    if (!Number.isFinite(own)) return 0
    return most === least ? 100 : Math.round((100 * (own - least)) / (most - least))
  }
}

function avoidedTaints({ spec }: Pod, node: Node): number {
  return effectiveTaints(node).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !tolerates(spec?.tolerations ?? [], taint),
  ).length
}

function nodeAffinity({ spec }: Pod, node: Node): number {
  const terms = spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return terms
    .filter(({ preference }) => matchesNodeSelector({ nodeSelectorTerms: [preference] }, node))
    .reduce((sum, { weight }) => sum + weight, 0)
}
