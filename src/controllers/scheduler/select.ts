/** Chooses a pod's node among the candidates, or says why there is none. Pure. */
import type { NodeSelector, Pod } from '../../api/generated/v1.ts'
import { controllerOf } from '../../api/machinery/object.ts'
import { matchesNodeSelector } from '../shared/placement.ts'
import { type Candidate, type Refusal, refusal } from './filters.ts'

export type Selection = { readonly node: string } | { readonly message: string }

/** `volumes`: where the pod's volumes can be reached from. */
export function selectNode(
  pod: Pod,
  candidates: readonly Candidate[],
  volumes: readonly NodeSelector[] = [],
): Selection {
  if (candidates.length === 0) return { message: 'no nodes available to schedule pods' }
  const fitting: Candidate[] = []
  const refusals: Refusal[] = []
  for (const candidate of candidates) {
    const refused = refusal(pod, candidate, volumes)
    if (refused) refusals.push(refused)
    else fitting.push(candidate)
  }
  if (fitting.length === 0) return { message: unschedulableMessage(refusals) }
  return { node: best(pod, fitting).node.metadata.name }
}

/** Preferred affinity decides first, then fewest pods of the same controller, then fewest pods at all, then the name. */
function best(pod: Pod, candidates: readonly Candidate[]): Candidate {
  const owner = controllerOf(pod)?.uid
  const scored = candidates.map((candidate) => ({
    candidate,
    preferred: preference(pod, candidate),
    siblings: owner ? candidate.pods.filter((other) => controllerOf(other)?.uid === owner).length : 0,
  }))
  scored.sort(
    (a, b) =>
      b.preferred - a.preferred ||
      a.siblings - b.siblings ||
      a.candidate.pods.length - b.candidate.pods.length ||
      (a.candidate.node.metadata.name < b.candidate.node.metadata.name ? -1 : 1),
  )
  const [first] = scored
  if (!first) throw new Error('no candidates')
  return first.candidate
}

function preference(pod: Pod, { node }: Candidate): number {
  const terms = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return terms
    .filter(({ preference }) => matchesNodeSelector({ nodeSelectorTerms: [preference] }, node))
    .reduce((sum, { weight }) => sum + weight, 0)
}

/** The pod itself keeps it from every node. */
export function rejectedEverywhere(problem: string, nodes: number): string {
  const preemption = `${nodes} Preemption is not helpful for scheduling`
  return `0/${nodes} nodes are available: ${problem}. no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${preemption}.`
}

/** `0/2 nodes are available: 1 …, 1 …. no new claims to deallocate, preemption: …` */
function unschedulableMessage(refusals: readonly Refusal[]): string {
  const total = refusals.length
  const helpful = refusals.filter(({ preemptible }) => preemptible).length
  const preemption = counted([
    ...Array.from({ length: total - helpful }, () => 'Preemption is not helpful for scheduling'),
    ...Array.from({ length: helpful }, () => 'No preemption victims found for incoming pod'),
  ])
  const reasons = counted(refusals.flatMap((refused) => refused.reasons))
  return `0/${total} nodes are available: ${reasons}. no new claims to deallocate, preemption: 0/${total} nodes are available: ${preemption}.`
}

function counted(reasons: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}
