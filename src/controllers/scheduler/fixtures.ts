/** Pods and nodes for the scheduler's tests. */
import type { PodDisruptionBudget } from '../../api/generated/policy.v1.ts'
import type { Node, Pod, PodSpec } from '../../api/generated/v1.ts'
import { node } from '../testing/harness.ts'
import type { Candidate } from './filters.ts'
import { type ClusterView, type Selection, selectNode } from './select.ts'

export function pod(name: string, spec: Partial<PodSpec> = {}, labels?: Record<string, string>): Pod {
  return {
    metadata: { name, namespace: 'demo', uid: name, ...(labels && { labels }) },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  }
}

export function requesting(requests: Record<string, string>): Pick<PodSpec, 'containers'> {
  return { containers: [{ name: 'c', image: 'i', resources: { requests } }] }
}

export function labelled(name: string, labels: Record<string, string>): Node {
  return node(name, { metadata: { name, labels } })
}

export function sized(name: string, allocatable: Record<string, string>): Node {
  return node(name, { status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable } })
}

export function budget(
  name: string,
  matchLabels: Record<string, string>,
  status: Partial<PodDisruptionBudget['status']> = {},
): PodDisruptionBudget {
  const counts = { currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptionsAllowed: 0 }
  return {
    metadata: { name, namespace: 'demo' },
    spec: { selector: { matchLabels } },
    status: { ...counts, ...status },
  }
}

export function view(candidates: readonly Candidate[], more: Partial<ClusterView> = {}): ClusterView {
  return { candidates, labelsOf: () => undefined, volumes: [], rules: [], ...more }
}

/** The node's name, or each node's reasons. */
export function outcome(given: Pod, candidates: readonly Candidate[], more: Partial<ClusterView> = {}) {
  const selection: Selection = selectNode(given, view(candidates, more))
  return 'node' in selection ? selection.node : selection.refused.map(({ refusal }) => refusal.reasons.join('; '))
}
