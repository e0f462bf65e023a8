/**
 * Who must give way to a pod that fits nowhere (kube-scheduler's DefaultPreemption): on each node the fewest and least
 * important pods of lower priority, and among the nodes the one where that hurts least. Pure.
 */
import { isPodTerminating, podCondition } from '../../api/core/pod/conditions.ts'
import type { PodDisruptionBudget } from '../../api/generated/policy.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { isEmptySelector } from '../../api/machinery/selectors.ts'
import { selectorMatcher } from '../shared/selector.ts'
import { type Candidate, type Constraints, podPriority, refusal } from './filters.ts'
import { unavailable } from './message.ts'
import type { Refused } from './select.ts'

export const preemptionReason = 'PreemptionByScheduler'

export interface Sacrifice {
  readonly node: string
  /** The most important first. At least one. */
  readonly victims: readonly Pod[]
  /** Of them, those that a budget would rather keep. */
  readonly violations: number
}

export interface PreemptionInput {
  /** Every node, and why the pod does not fit there. */
  readonly refused: readonly Refused[]
  readonly constraints: Constraints
  readonly budgets: readonly PodDisruptionBudget[]
  /** The node where pods were ended for this one before. */
  readonly nominated: string | undefined
  readonly now: Date
}

/** `message`: why nobody gives way. `wait`: the pods that do are still on their way out. */
export type Preemption = Sacrifice | { readonly message: string; readonly wait: boolean }

const notHelpful = 'Preemption is not helpful for scheduling'
const noVictims = 'No preemption victims found for incoming pod'

export function planPreemption(pod: Pod, input: PreemptionInput): Preemption {
  const ineligible = whyIneligible(pod, input)
  if (ineligible) return { message: ineligible, wait: true }
  const found: Sacrifice[] = []
  const reasons: (readonly string[])[] = []
  for (const { candidate, refusal: why } of input.refused) {
    const outcome = why.preemptible ? sacrificeOn(pod, candidate, input) : [notHelpful]
    if ('victims' in outcome) found.push(outcome)
    else reasons.push(outcome)
  }
  const [least] = found.toSorted((a, b) => compareSacrifices(a, b, input.now))
  return least ?? { message: unavailable(input.refused.length, reasons), wait: false }
}

/** Nothing helps a pod that no node could take however empty. */
export function preemptionIsVain({ spec }: Pod, nodes: number): string {
  if (spec?.preemptionPolicy === 'Never') return neverPreempts
  return unavailable(
    nodes,
    Array.from({ length: nodes }, () => [notHelpful]),
  )
}

const neverPreempts = 'not eligible due to preemptionPolicy=Never.'

function whyIneligible(pod: Pod, { refused, nominated }: PreemptionInput): string | undefined {
  if (pod.spec?.preemptionPolicy === 'Never') return neverPreempts
  const there = refused.find(({ candidate }) => candidate.node.metadata.name === nominated)
  if (!there?.refusal.preemptible) return undefined
  const leaving = there.candidate.pods.some((other) => podPriority(other) < podPriority(pod) && isBeingPreempted(other))
  return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}

function isBeingPreempted(pod: Pod): boolean {
  const target = podCondition(pod, 'DisruptionTarget')
  return isPodTerminating(pod) && target?.status === 'True' && target.reason === preemptionReason
}

/** Takes all lesser pods off the node and gives back as many as fit, the most important first; else why that is vain. */
function sacrificeOn(pod: Pod, candidate: Candidate, input: PreemptionInput): Sacrifice | readonly string[] {
  const lesser = candidate.pods.filter((other) => podPriority(other) < podPriority(pod))
  if (lesser.length === 0) return [noVictims]
  const trial = new Trial(pod, candidate, input.constraints)
  for (const other of lesser) trial.remove(other)
  const why = trial.refusal()
  if (why) {
    trial.undo()
    return why.reasons
  }
  const { protectedPods, others } = byBudget(lesser.toSorted(moreImportantFirst(input.now)), input.budgets)
  const mustGo = (other: Pod): boolean => {
    trial.restore(other)
    if (!trial.refusal()) return false
    trial.remove(other)
    return true
  }
  const violated = protectedPods.filter(mustGo)
  const victims = [...violated, ...others.filter(mustGo)].sort(moreImportantFirst(input.now))
  trial.undo()
  return { node: candidate.node.metadata.name, victims, violations: violated.length }
}

/** A node without some of its pods. */
class Trial {
  readonly #pod: Pod
  readonly #candidate: Candidate
  readonly #constraints: Constraints
  readonly #removed = new Set<Pod>()

  constructor(pod: Pod, candidate: Candidate, constraints: Constraints) {
    this.#pod = pod
    this.#candidate = candidate
    this.#constraints = constraints
  }

  remove(other: Pod): void {
    this.#removed.add(other)
    this.#count(other, -1)
  }

  restore(other: Pod): void {
    if (this.#removed.delete(other)) this.#count(other, 1)
  }

  refusal() {
    const pods = this.#candidate.pods.filter((other) => !this.#removed.has(other))
    return refusal(this.#pod, { ...this.#candidate, pods }, this.#constraints)
  }

  undo(): void {
    for (const other of this.#removed) this.restore(other)
  }

  #count(other: Pod, by: 1 | -1): void {
    for (const rule of this.#constraints.rules) rule.count(other, this.#candidate.node, by)
  }
}

/** `protectedPods`: the end of these would break a budget, when they go in this order. */
function byBudget(pods: readonly Pod[], budgets: readonly PodDisruptionBudget[]) {
  const allowed = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]))
  const spends = (pod: Pod): boolean => {
    const spent = budgets.filter((budget) => covers(budget, pod))
    for (const budget of spent) allowed.set(budget, (allowed.get(budget) ?? 0) - 1)
    return spent.some((budget) => (allowed.get(budget) ?? 0) < 0)
  }
  const protectedPods = pods.filter(spends)
  return { protectedPods, others: pods.filter((pod) => !protectedPods.includes(pod)) }
}

/** A pod whose eviction was granted already costs the budget nothing more. */
function covers({ metadata, spec, status }: PodDisruptionBudget, { metadata: pod }: Pod): boolean {
  if (metadata.namespace !== pod.namespace || isEmptySelector(spec?.selector)) return false
  return selectorMatcher(spec?.selector)(pod.labels) && status?.disruptedPods?.[pod.name] === undefined
}

/** Of two pods of one priority, the one that has run for longer. */
function moreImportantFirst(now: Date) {
  return (a: Pod, b: Pod): number => podPriority(b) - podPriority(a) || startOf(a, now) - startOf(b, now)
}

function startOf({ status }: Pod, now: Date): number {
  return status?.startTime ? Date.parse(status.startTime) : now.getTime()
}

/** Makes priorities positive, so that their sum grows with the number of pods. */
const priorityOffset = 2 ** 31

/** Fewest broken budgets, lowest highest priority, lowest sum of priorities, fewest pods, the latest to have started. */
function compareSacrifices(a: Sacrifice, b: Sacrifice, now: Date): number {
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    earliest(b, now) - earliest(a, now)
  )
}

function highest({ victims }: Sacrifice): number {
  return Math.max(...victims.map(podPriority))
}

function sum({ victims }: Sacrifice): number {
  return victims.reduce((total, victim) => total + podPriority(victim) + priorityOffset, 0)
}

/** When the first of the most important victims started. */
function earliest(sacrifice: Sacrifice, now: Date): number {
  const top = highest(sacrifice)
  const starts = sacrifice.victims.filter((pod) => podPriority(pod) === top).map((pod) => startOf(pod, now))
  return Math.min(...starts)
}
