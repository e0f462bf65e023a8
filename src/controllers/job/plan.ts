/** Which pods a Job makes or removes next. Pure. */

import { isIndexed } from '../../api/batch/conditions.ts'
import { isPodTerminal, isPodTerminating } from '../../api/core/pod/conditions.ts'
import type { Job } from '../../api/generated/batch.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { podsToDelete } from '../replicaset/ranking.ts'
import { burstMax } from '../shared/batch.ts'
import type { Standing } from './assess.ts'
import { backOffMs } from './backoff.ts'
import { completionIndex, failureCounts, finishedAt, onlyReplacesFailed } from './pods.ts'

export type Plan =
  | { readonly do: 'nothing' }
  | { readonly do: 'remove'; readonly pods: readonly Pod[] }
  /** One pod for each; undefined in a Job without indexes. */
  | { readonly do: 'create'; readonly indexes: readonly (number | undefined)[] }
  /** Something failed a moment ago. */
  | { readonly do: 'wait'; readonly ms: number }

export interface PlanInput {
  readonly job: Job
  readonly pods: readonly Pod[]
  readonly standing: Standing
  readonly now: Date
}

export function plan(input: PlanInput): Plan {
  const { job, standing } = input
  const { active } = standing
  if (job.spec?.suspend) return removal(active)
  const wanted = wantedActive(job, standing)
  const surplus = podsForRemoval(input, Math.max(0, active.length - wanted))
  if (surplus.length > 0) return removal(surplus.slice(0, burstMax))
  const terminating = onlyReplacesFailed(job) ? standing.terminating : 0
  const missing = Math.min(wanted - terminating - active.length, burstMax)
  return missing > 0 ? creation(input, missing) : { do: 'nothing' }
}

function removal(pods: readonly Pod[]): Plan {
  return pods.length > 0 ? { do: 'remove', pods } : { do: 'nothing' }
}

function wantedActive({ spec }: Job, { succeeded, active }: Standing): number {
  const { completions, parallelism = 1 } = spec ?? {}
  // A work queue: once one pod succeeded, those that run are let run and no others are made.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism
  return Math.max(0, Math.min(parallelism, completions - succeeded))
}

/** Pods of no index or of one that another pod has, and then those that are missed least. */
function podsForRemoval({ job, standing, now }: PlanInput, atLeast: number): Pod[] {
  const { removed, left } = isIndexed(job)
    ? withoutDuplicates(job, standing.active)
    : { removed: [], left: standing.active }
  if (removed.length >= atLeast) return removed
  const count = atLeast - removed.length
  return [...removed, ...podsToDelete(left, { count, related: [], now })]
}

function withoutDuplicates({ spec }: Job, active: readonly Pod[]): { removed: Pod[]; left: Pod[] } {
  const byIndex = new Map<number, Pod[]>()
  const removed: Pod[] = []
  for (const pod of active) {
    const index = completionIndex(pod)
    if (index === undefined || index >= (spec?.completions ?? 0)) removed.push(pod)
    else byIndex.set(index, [...(byIndex.get(index) ?? []), pod])
  }
  const left: Pod[] = []
  for (const pods of byIndex.values()) {
    const now = new Date(0)
    const extra = podsToDelete(pods, { count: pods.length - 1, related: [], now })
    removed.push(...extra)
    left.push(...pods.filter((pod) => !extra.includes(pod)))
  }
  return { removed, left }
}

function creation(input: PlanInput, count: number): Plan {
  const { job, standing, now } = input
  if (!standing.failedIndexes) {
    const ms = backOffMs(standing.failures, now.getTime())
    if (ms > 0) return { do: 'wait', ms }
  }
  if (!isIndexed(job)) return { do: 'create', indexes: Array.from({ length: count }, () => undefined) }
  const indexes = pendingIndexes(input, count)
  if (!standing.failedIndexes) return indexes.length > 0 ? { do: 'create', indexes } : { do: 'nothing' }
  const waits = indexes.map((index) => indexBackOffMs(standing.awaitingReplacement.get(index), now))
  const due = indexes.filter((_, i) => waits[i] === 0)
  if (due.length > 0) return { do: 'create', indexes: due }
  return waits.length > 0 ? { do: 'wait', ms: Math.min(...waits) } : { do: 'nothing' }
}

/** The lowest indexes that nobody works on, or has ended. */
function pendingIndexes({ job, pods, standing }: PlanInput, count: number): number[] {
  const busy = new Set<number>()
  for (const pod of standing.active) busy.add(completionIndex(pod) ?? -1)
  if (onlyReplacesFailed(job)) {
    for (const pod of pods) if (isPodTerminating(pod) && !isPodTerminal(pod)) busy.add(completionIndex(pod) ?? -1)
  }
  const { succeededIndexes, failedIndexes } = standing
  const found: number[] = []
  for (let index = 0; index < (job.spec?.completions ?? 0) && found.length < count; index++) {
    if (!busy.has(index) && !succeededIndexes.has(index) && !failedIndexes?.has(index)) found.push(index)
  }
  return found
}

function indexBackOffMs(replaced: Pod | undefined, now: Date): number {
  if (!replaced) return 0
  const { counted, ignored } = failureCounts(replaced)
  return backOffMs({ count: counted + ignored + 1, lastAt: finishedAt(replaced) }, now.getTime())
}
