/** Topology spread: pods that a constraint selects are held level over the places of a topology key. Pure. */
import type { Node, Pod, TopologySpreadConstraint } from '../../api/generated/v1.ts'
import { isEmptySelector } from '../../api/machinery/selectors.ts'
import { effectiveTaints, matchesNode, untolerated } from '../shared/placement.ts'
import { selectorMatcher } from '../shared/selector.ts'
import type { Candidate, PodRule } from './filters.ts'

const unmatched = "node(s) didn't match pod topology spread constraints"

/** One constraint and the pods it selects, by place. */
class Spread {
  readonly constraint: TopologySpreadConstraint
  readonly #pod: Pod
  readonly #counts = new Map<string, number>()

  constructor(pod: Pod, constraint: TopologySpreadConstraint) {
    this.#pod = pod
    this.constraint = constraint
  }

  place({ metadata }: Node): string | undefined {
    return metadata.labels?.[this.constraint.topologyKey]
  }

  /** The node is a place to be counted, as far as this constraint is concerned. */
  includes(node: Node): boolean {
    const { nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' } = this.constraint
    const { spec = { containers: [] } } = this.#pod
    if (nodeAffinityPolicy === 'Honor' && !matchesNode(spec, node)) return false
    if (nodeTaintsPolicy !== 'Honor') return true
    return untolerated(spec.tolerations, effectiveTaints(node), ['NoSchedule', 'NoExecute']) === undefined
  }

  open(node: Node): void {
    const place = this.place(node)
    if (place !== undefined && !this.#counts.has(place)) this.#counts.set(place, 0)
  }

  /** Pods on their way out leave room already. */
  count({ metadata }: Pod, node: Node, by: 1 | -1): void {
    const { labelSelector } = this.constraint
    if (metadata.namespace !== this.#pod.metadata.namespace || metadata.deletionTimestamp) return
    if (isEmptySelector(labelSelector) || !selectorMatcher(labelSelector)(metadata.labels)) return
    const place = this.place(node)
    if (place !== undefined && this.#counts.has(place)) this.#counts.set(place, this.at(node) + by)
  }

  at(node: Node): number {
    return this.#counts.get(this.place(node) ?? '') ?? 0
  }

  get places(): number {
    return this.#counts.size
  }

  /** With fewer places than there must be, one more is as good as there, and empty. */
  get minimum(): number {
    if (this.#counts.size < (this.constraint.minDomains ?? 1)) return 0
    return Math.min(...this.#counts.values())
  }

  get own(): number {
    return selectorMatcher(this.constraint.labelSelector)(this.#pod.metadata.labels) ? 1 : 0
  }
}

function spreads(pod: Pod, whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway'): Spread[] {
  return (pod.spec?.topologySpreadConstraints ?? [])
    .filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable)
    .map((constraint) => new Spread(pod, constraint))
}

/** Nodes without all of the keys are no place for any of the constraints. */
function placesOf(all: readonly Spread[], node: Node): readonly Spread[] {
  if (all.some((spread) => spread.place(node) === undefined)) return []
  return all.filter((spread) => spread.includes(node))
}

/** Undefined: the pod has no constraint that must hold. */
export function spreadRule(pod: Pod, nodes: readonly Node[]): PodRule | undefined {
  const all = spreads(pod, 'DoNotSchedule')
  if (all.length === 0) return undefined
  for (const node of nodes) for (const spread of placesOf(all, node)) spread.open(node)
  return {
    count(other, node, by) {
      for (const spread of placesOf(all, node)) spread.count(other, node, by)
    },
    refusal(node) {
      for (const spread of all) {
        if (spread.place(node) === undefined)
          return { reasons: [`${unmatched} (missing required label)`], preemptible: false }
        const skew = spread.at(node) + spread.own - spread.minimum
        if (skew > spread.constraint.maxSkew) return { reasons: [unmatched], preemptible: true }
      }
      return undefined
    },
  }
}

/** How crowded a node's places are, by the constraints that may be broken; less is better. Undefined: there are none. */
export function crowding(pod: Pod, candidates: readonly Candidate[]): ((node: Node) => number) | undefined {
  const all = spreads(pod, 'ScheduleAnyway')
  if (all.length === 0) return undefined
  for (const { node, pods } of candidates) {
    for (const spread of placesOf(all, node)) {
      spread.open(node)
      for (const other of pods) spread.count(other, node, 1)
    }
  }
  // The more places, the more a single pod in one of them says.
  const weighed = all.map((spread) => ({ spread, weight: Math.log(spread.places + 2) }))
  return (node) =>
    weighed.reduce((sum, { spread, weight }) => {
      if (spread.place(node) === undefined) return Infinity
      return sum + spread.at(node) * weight + spread.constraint.maxSkew - 1
    }, 0)
}
