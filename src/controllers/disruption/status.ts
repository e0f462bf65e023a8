/** How many pods a PodDisruptionBudget lets go. Pure. */
import { podReady } from '../../api/core/pod/conditions.ts'
import type { Condition } from '../../api/generated/meta.v1.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../api/generated/policy.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { scaledValue } from '../shared/numbers.ts'

/** A pod whose eviction was granted and that is still there after this long is not going. */
const deletionTimeoutMs = 120_000

const allowedCondition = 'DisruptionAllowed'

/** Whether the budget is a share of what controllers want, and not of what is there. */
export function needsScale({ spec = {} }: PodDisruptionBudget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string'
}

export interface Wanted {
  readonly expected: number
  readonly desired: number
}

/** `scale`: pods that the controllers of these pods want. */
export function wantedPods({ spec = {} }: PodDisruptionBudget, pods: readonly Pod[], scale: number): Wanted {
  const { minAvailable, maxUnavailable } = spec
  if (maxUnavailable !== undefined) {
    return { expected: scale, desired: Math.max(0, scale - scaledValue(maxUnavailable, scale, 'up')) }
  }
  if (typeof minAvailable === 'string') return { expected: scale, desired: scaledValue(minAvailable, scale, 'up') }
  return { expected: minAvailable === undefined ? 0 : pods.length, desired: minAvailable ?? 0 }
}

export interface Disrupted {
  /** Evictions granted whose pods have yet to go: name → time. */
  readonly pods: Readonly<Record<string, string>>
  /** Pods that should have gone by now. */
  readonly late: readonly Pod[]
  /** Milliseconds until the next is late. */
  readonly recheckMs: number | undefined
}

export function disruptedPods({ status }: PodDisruptionBudget, pods: readonly Pod[], now: Date): Disrupted {
  const left: Record<string, string> = {}
  const late: Pod[] = []
  const waits: number[] = []
  for (const pod of pods) {
    const since = status?.disruptedPods?.[pod.metadata.name]
    if (since === undefined || pod.metadata.deletionTimestamp) continue
    const waitMs = Date.parse(since) + deletionTimeoutMs - now.getTime()
    if (waitMs <= 0) late.push(pod)
    else {
      left[pod.metadata.name] = since
      waits.push(waitMs)
    }
  }
  return { pods: left, late, recheckMs: waits.length > 0 ? Math.min(...waits) : undefined }
}

export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  { wanted, disrupted, now }: { wanted: Wanted; disrupted: Disrupted; now: Date },
): PodDisruptionBudgetStatus {
  const healthy = pods.filter(
    (pod) => !pod.metadata.deletionTimestamp && disrupted.pods[pod.metadata.name] === undefined && podReady(pod),
  )
  const spare = healthy.length - wanted.desired
  // A budget of no pods allows nothing: its first pods may come before its next status.
  const disruptionsAllowed = wanted.expected > 0 ? Math.max(0, spare) : 0
  const observedGeneration = budget.metadata.generation ?? 0
  const why =
    disruptionsAllowed > 0
      ? { status: 'True', reason: 'SufficientPods' }
      : { status: 'False', reason: 'InsufficientPods' }
  return {
    currentHealthy: healthy.length,
    desiredHealthy: wanted.desired,
    expectedPods: wanted.expected,
    disruptionsAllowed,
    ...(Object.keys(disrupted.pods).length > 0 && { disruptedPods: disrupted.pods }),
    observedGeneration,
    conditions: [newCondition(budget, { ...why, message: '', observedGeneration }, now)],
  }
}

/** Nothing may go while nobody knows how many there should be. */
export function failedStatus(budget: PodDisruptionBudget, message: string, now: Date): PodDisruptionBudgetStatus {
  const observedGeneration = budget.metadata.generation ?? 0
  const why = { status: 'False', reason: 'SyncFailed', message, observedGeneration }
  return { ...budget.status, disruptionsAllowed: 0, observedGeneration, conditions: [newCondition(budget, why, now)] }
}

function newCondition(
  { status }: PodDisruptionBudget,
  wanted: Pick<Condition, 'status' | 'reason' | 'message'> & { observedGeneration: number },
  now: Date,
): Condition {
  const before = status?.conditions?.find(({ type }) => type === allowedCondition)
  const lastTransitionTime = before?.status === wanted.status ? before.lastTransitionTime : formatTime(now)
  return { type: allowedCondition, ...wanted, lastTransitionTime }
}
