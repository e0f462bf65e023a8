/** A ReplicaSet's status, from its pods. */

import { isPodTerminal, podAvailable, podAvailableInMs, podReady } from '../../api/core/pod/conditions.ts'
import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { omitZero } from '../shared/numbers.ts'

/** What went wrong in the sync that computes the status, if anything. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete'
  readonly message: string
}

export interface StatusInput {
  readonly active: readonly Pod[]
  readonly terminating: readonly Pod[]
  readonly failure: ReplicaFailure | undefined
  readonly now: Date
}

export function replicaSetStatus(replicaSet: ReplicaSet, input: StatusInput): ReplicaSetStatus {
  const { active, terminating, failure, now } = input
  const minReady = replicaSet.spec?.minReadySeconds ?? 0
  const templateLabels = Object.entries(replicaSet.spec?.template?.metadata?.labels ?? {})
  const labeled = active.filter((pod) => templateLabels.every(([k, v]) => pod.metadata.labels?.[k] === v))
  const conditions = failureConditions(replicaSet.status?.conditions ?? [], failure, now)
  return {
    replicas: active.length,
    ...omitZero({
      fullyLabeledReplicas: labeled.length,
      readyReplicas: active.filter(podReady).length,
      availableReplicas: active.filter((pod) => podAvailable(pod, minReady, now)).length,
      observedGeneration: replicaSet.metadata.generation ?? 0,
    }),
    terminatingReplicas: terminating.filter((pod) => !isPodTerminal(pod)).length,
    ...(conditions.length > 0 && { conditions }),
  }
}

function failureConditions(
  conditions: readonly ReplicaSetCondition[],
  failure: ReplicaFailure | undefined,
  now: Date,
): ReplicaSetCondition[] {
  const others = conditions.filter((condition) => condition.type !== 'ReplicaFailure')
  const current = conditions.find((condition) => condition.type === 'ReplicaFailure')
  if (!failure) return others
  if (current?.reason === failure.reason) return [...conditions]
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: formatTime(now), ...failure }]
}

/** Milliseconds until the next ready pod becomes available; undefined when none is waiting for that. */
export function nextAvailabilityMs(pods: readonly Pod[], minReadySeconds: number, now: Date): number | undefined {
  if (minReadySeconds === 0) return undefined
  const waits = pods
    .map((pod) => podAvailableInMs(pod, minReadySeconds, now))
    .filter((ms) => ms !== undefined && ms > 0)
  return waits.length > 0 ? Math.min(...(waits as number[])) : undefined
}
