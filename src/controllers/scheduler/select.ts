/** Chooses a pod's node among the candidates, or says why there is none. Pure. */
import type { NodeSelector, Pod } from '../../api/generated/v1.ts'
import { affinityRule, type NamespaceLabels } from './affinity.ts'
import { type Candidate, type Constraints, type PodRule, type Refusal, refusal } from './filters.ts'
import { best } from './score.ts'
import { spreadRule } from './spread.ts'

/** All nodes, and what a decision needs to know of the rest. */
export interface ClusterView {
  readonly candidates: readonly Candidate[]
  readonly labelsOf: NamespaceLabels
  /** Where the pod's volumes can be reached from. */
  readonly volumes: readonly NodeSelector[]
  /** What the pod's claims ask for besides. */
  readonly rules: readonly (PodRule | undefined)[]
}

export interface Refused {
  readonly candidate: Candidate
  readonly refusal: Refusal
}

/** `refused`: every node, with its reason. */
export type Selection =
  | { readonly node: string }
  | { readonly refused: readonly Refused[]; readonly constraints: Constraints }

/** `nominated`: the node that others made room on; it is taken when the pod fits there. */
export function selectNode(pod: Pod, view: ClusterView, nominated?: string): Selection {
  const { candidates, labelsOf } = view
  const constraints = constraintsOf(pod, view)
  const ahead = candidates.find(({ node }) => node.metadata.name === nominated)
  if (ahead && !refusal(pod, ahead, constraints)) return { node: ahead.node.metadata.name }
  const fitting: Candidate[] = []
  const refused: Refused[] = []
  for (const candidate of candidates) {
    const why = refusal(pod, candidate, constraints)
    if (why) refused.push({ candidate, refusal: why })
    else fitting.push(candidate)
  }
  if (fitting.length === 0) return { refused, constraints }
  return { node: best(pod, { fitting, all: candidates, labelsOf }).node.metadata.name }
}

function constraintsOf(pod: Pod, { candidates, labelsOf, volumes, rules: given }: ClusterView): Constraints {
  const nodes = candidates.map(({ node }) => node)
  const all = [...given, spreadRule(pod, nodes), affinityRule(pod, labelsOf)]
  const rules: PodRule[] = all.filter((rule) => rule !== undefined)
  for (const { node, pods } of candidates) {
    for (const other of pods) for (const rule of rules) rule.count(other, node, 1)
  }
  return { volumes, rules }
}
