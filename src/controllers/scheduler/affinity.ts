/** Inter-pod affinity: required terms decide where a pod may run, preferred ones where it likes to. Pure. */
import type { Node, Pod, PodAffinityTerm } from '../../api/generated/v1.ts'
import type { Labels } from '../../api/machinery/selectors.ts'
import { selectorMatcher } from '../shared/selector.ts'
import type { Candidate, PodRule, Refusal } from './filters.ts'

/** The labels of a namespace; terms may select namespaces by them. */
export type NamespaceLabels = (namespace: string) => Labels | undefined

type Side = 'podAffinity' | 'podAntiAffinity'

/** What a term of an existing pod that requires the incoming one near it is worth (hardPodAffinityWeight). */
const requiredWeight = 1

function requiredTerms({ spec }: Pod, side: Side): readonly PodAffinityTerm[] {
  return spec?.affinity?.[side]?.requiredDuringSchedulingIgnoredDuringExecution ?? []
}

/** `owner` is the pod that has the term. */
function matchesTerm(term: PodAffinityTerm, owner: Pod, pod: Pod, labelsOf: NamespaceLabels): boolean {
  return inNamespaces(term, owner, pod, labelsOf) && selectorMatcher(term.labelSelector)(pod.metadata.labels)
}

function inNamespaces(
  { namespaces = [], namespaceSelector }: PodAffinityTerm,
  owner: Pod,
  { metadata: { namespace = '' } }: Pod,
  labelsOf: NamespaceLabels,
): boolean {
  if (namespaces.length === 0 && !namespaceSelector) return namespace === owner.metadata.namespace
  if (namespaces.includes(namespace)) return true
  return namespaceSelector !== undefined && selectorMatcher(namespaceSelector)(labelsOf(namespace))
}

/** Sums by a node's label: all nodes of one value are one place. */
class Places {
  readonly #sums = new Map<string, number>()

  get empty(): boolean {
    return this.#sums.size === 0
  }

  add(topologyKey: string, { metadata }: Node, amount: number): void {
    const value = metadata.labels?.[topologyKey]
    if (value === undefined) return
    const place = `${topologyKey}=${value}`
    const sum = (this.#sums.get(place) ?? 0) + amount
    if (sum === 0) this.#sums.delete(place)
    else this.#sums.set(place, sum)
  }

  at(topologyKey: string, { metadata }: Node): number {
    const value = metadata.labels?.[topologyKey]
    return value === undefined ? 0 : (this.#sums.get(`${topologyKey}=${value}`) ?? 0)
  }

  /** Over all labels of the node. */
  total({ metadata }: Node): number {
    let total = 0
    for (const [key, value] of Object.entries(metadata.labels ?? {})) total += this.#sums.get(`${key}=${value}`) ?? 0
    return total
  }
}

export function affinityRule(pod: Pod, labelsOf: NamespaceLabels): PodRule {
  const wanted = requiredTerms(pod, 'podAffinity')
  const unwanted = requiredTerms(pod, 'podAntiAffinity')
  const [near, far, repelled] = [new Places(), new Places(), new Places()]
  const matchesAllWanted = (other: Pod) => wanted.every((term) => matchesTerm(term, pod, other, labelsOf))
  const satisfied = (node: Node): boolean => {
    if (wanted.some(({ topologyKey }) => node.metadata.labels?.[topologyKey] === undefined)) return false
    if (wanted.every(({ topologyKey }) => near.at(topologyKey, node) > 0)) return true
    // The first of a series of pods that want to be with each other.
    return near.empty && matchesAllWanted(pod)
  }
  return {
    count(other, node, by) {
      for (const term of requiredTerms(other, 'podAntiAffinity')) {
        if (matchesTerm(term, other, pod, labelsOf)) repelled.add(term.topologyKey, node, by)
      }
      if (wanted.length > 0 && matchesAllWanted(other)) {
        for (const { topologyKey } of wanted) near.add(topologyKey, node, by)
      }
      for (const term of unwanted) {
        if (matchesTerm(term, pod, other, labelsOf)) far.add(term.topologyKey, node, by)
      }
    },
    refusal(node): Refusal | undefined {
      if (!satisfied(node)) return { reasons: ["node(s) didn't match pod affinity rules"], preemptible: false }
      if (unwanted.some(({ topologyKey }) => far.at(topologyKey, node) > 0))
        return { reasons: ["node(s) didn't match pod anti-affinity rules"], preemptible: true }
      if (!repelled.empty && repelled.total(node) > 0)
        return { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], preemptible: true }
      return undefined
    },
  }
}

/** How much the pod, and pods already there, would like it on each node; more is better. Undefined: nobody minds. */
export function affinityPreference(
  pod: Pod,
  candidates: readonly Candidate[],
  labelsOf: NamespaceLabels,
): ((node: Node) => number) | undefined {
  const places = new Places()
  const weigh = (owner: Pod, other: Pod, { node, weight }: { node: Node; weight: 1 | -1 }) => {
    const side = weight === 1 ? 'podAffinity' : 'podAntiAffinity'
    const terms = owner.spec?.affinity?.[side]?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    for (const { podAffinityTerm, weight: amount } of terms) {
      if (matchesTerm(podAffinityTerm, owner, other, labelsOf))
        places.add(podAffinityTerm.topologyKey, node, amount * weight)
    }
  }
  for (const { node, pods } of candidates) {
    for (const other of pods) {
      if (!pod.spec?.affinity && !other.spec?.affinity) continue
      for (const weight of [1, -1] as const) {
        weigh(pod, other, { node, weight })
        weigh(other, pod, { node, weight })
      }
      for (const term of requiredTerms(other, 'podAffinity')) {
        if (matchesTerm(term, other, pod, labelsOf)) places.add(term.topologyKey, node, requiredWeight)
      }
    }
  }
  return places.empty ? undefined : (node) => places.total(node)
}
