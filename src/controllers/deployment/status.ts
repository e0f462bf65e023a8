/** A Deployment's status and conditions, from its ReplicaSets. Pure. */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/generated/apps.v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { omitZero } from '../shared/numbers.ts'
import { desiredReplicas, type Family, limits } from './rolling.ts'

/** math.MaxInt32: the deadline is off. */
const noDeadline = 2 ** 31 - 1

export function deadlineSeconds({ spec }: Deployment): number | undefined {
  const seconds = spec?.progressDeadlineSeconds
  return seconds === undefined || seconds === noDeadline ? undefined : seconds
}

export function condition(status: DeploymentStatus | undefined, type: string): DeploymentCondition | undefined {
  return status?.conditions?.find((c) => c.type === type)
}

/** Counts, the Available condition, and the other conditions as they were. */
export function baseStatus(deployment: Deployment, { current, old }: Family, now: Date): DeploymentStatus {
  const all = current ? [...old, current] : old
  const count = (value: (status: NonNullable<ReplicaSet['status']>) => number | undefined) =>
    all.reduce((total, { status }) => total + ((status && value(status)) ?? 0), 0)
  const availableReplicas = count((s) => s.availableReplicas)
  const total = all.reduce((n, { spec }) => n + (spec?.replicas ?? 1), 0)
  const enough = availableReplicas >= desiredReplicas(deployment) - limits(deployment).maxUnavailable
  return {
    ...omitZero({
      observedGeneration: deployment.metadata.generation ?? 0,
      replicas: count((s) => s.replicas),
      updatedReplicas: current?.status?.replicas ?? 0,
      readyReplicas: count((s) => s.readyReplicas),
      availableReplicas,
      unavailableReplicas: Math.max(0, total - availableReplicas),
    }),
    terminatingReplicas: count((s) => s.terminatingReplicas),
    ...(deployment.status?.collisionCount && { collisionCount: deployment.status.collisionCount }),
    conditions: withCondition(deployment.status?.conditions ?? [], enough ? availability.yes : availability.no, now),
  }
}

const availability = {
  yes: {
    type: 'Available',
    status: 'True',
    reason: 'MinimumReplicasAvailable',
    message: 'Deployment has minimum availability.',
  },
  no: {
    type: 'Available',
    status: 'False',
    reason: 'MinimumReplicasUnavailable',
    message: 'Deployment does not have minimum availability.',
  },
} as const

export type NewCondition = Required<Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>>

/** The list with one condition set; unchanged when status and reason are. The transition time follows the status. */
function withCondition(
  conditions: readonly DeploymentCondition[],
  next: NewCondition,
  now: Date,
): DeploymentCondition[] {
  const before = conditions.find((c) => c.type === next.type)
  if (before?.status === next.status && before.reason === next.reason) return [...conditions]
  const at = formatTime(now)
  const lastTransitionTime = before?.status === next.status ? (before.lastTransitionTime ?? at) : at
  return [...conditions.filter((c) => c.type !== next.type), { ...next, lastUpdateTime: at, lastTransitionTime }]
}

/** The Deployment as if it had the condition; the next status write stores it. */
export function withProgressing(
  deployment: Deployment,
  progressing: Omit<NewCondition, 'type'>,
  now: Date,
): Deployment {
  const conditions = withCondition(deployment.status?.conditions ?? [], { type: 'Progressing', ...progressing }, now)
  return { ...deployment, status: { ...deployment.status, conditions } }
}

/** A paused rollout's deadline does not run; the condition says so, and says when it runs again. */
export function withPause(deployment: Deployment, now: Date): Deployment {
  if (deadlineSeconds(deployment) === undefined) return deployment
  const reason = condition(deployment.status, 'Progressing')?.reason
  if (reason === 'ProgressDeadlineExceeded') return deployment
  const paused = deployment.spec?.paused ?? false
  if (paused === (reason === 'DeploymentPaused')) return deployment
  const word = paused ? 'paused' : 'resumed'
  const becoming = paused ? 'DeploymentPaused' : 'DeploymentResumed'
  return withProgressing(deployment, { status: 'Unknown', reason: becoming, message: `Deployment is ${word}` }, now)
}

function without(conditions: readonly DeploymentCondition[], type: string): DeploymentCondition[] {
  return conditions.filter((c) => c.type !== type)
}

/** All replicas are of the current template and available, and nothing old is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment)
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  )
}

function isProgressing(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

/** Milliseconds until the rollout misses its deadline (≤ 0: it has); undefined when none is running against one. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, now: Date): number | undefined {
  const seconds = deadlineSeconds(deployment)
  const progressing = condition(status, 'Progressing')
  if (seconds === undefined || !progressing?.lastUpdateTime || isComplete(deployment, status)) return undefined
  if (progressing.reason === 'NewReplicaSetAvailable') return undefined
  return Date.parse(progressing.lastUpdateTime) + seconds * 1000 - now.getTime()
}

/** The status of a rollout that is under way, complete or stuck. */
export function rolloutStatus(deployment: Deployment, family: Family, now: Date): DeploymentStatus {
  const status = baseStatus(deployment, family, now)
  let conditions = status.conditions ?? []
  if (deadlineSeconds(deployment) === undefined) conditions = without(conditions, 'Progressing')
  else if (!isSettled(deployment, status)) conditions = progress(deployment, status, family, now)
  const failure = replicaFailure(family)
  conditions = without(conditions, 'ReplicaFailure')
  return { ...status, conditions: failure ? [...conditions, failure] : conditions }
}

/** A rollout that once completed is not judged again when pods restart or the Deployment is scaled. */
function isSettled(deployment: Deployment, status: DeploymentStatus): boolean {
  return (
    status.replicas === status.updatedReplicas &&
    condition(deployment.status, 'Progressing')?.reason === 'NewReplicaSetAvailable'
  )
}

function progress(
  deployment: Deployment,
  status: DeploymentStatus,
  { current }: Family,
  now: Date,
): DeploymentCondition[] {
  const conditions = status.conditions ?? []
  const subject = current
    ? `ReplicaSet ${JSON.stringify(current.metadata.name)}`
    : `Deployment ${JSON.stringify(deployment.metadata.name)}`
  const set = (value: 'True' | 'False', reason: string, what: string) =>
    withCondition(conditions, { type: 'Progressing', status: value, reason, message: `${subject} ${what}` }, now)
  if (isComplete(deployment, status)) return set('True', 'NewReplicaSetAvailable', 'has successfully progressed.')
  if (isProgressing(deployment.status ?? {}, status)) {
    // Progress restarts the deadline, so the update time moves even when nothing else does.
    return set('True', 'ReplicaSetUpdated', 'is progressing.').map((c) =>
      c.type === 'Progressing' ? { ...c, lastUpdateTime: formatTime(now) } : c,
    )
  }
  const leftMs = deadlineInMs(deployment, status, now)
  if (leftMs !== undefined && leftMs < 0) return set('False', 'ProgressDeadlineExceeded', 'has timed out progressing.')
  return conditions
}

/** The current ReplicaSet's failure to make pods, else the first of an old one's. */
function replicaFailure({ current, old }: Family): DeploymentCondition | undefined {
  for (const replicaSet of current ? [current, ...old] : old) {
    const failure = replicaSet.status?.conditions?.find((c) => c.type === 'ReplicaFailure')
    if (failure) {
      const { lastTransitionTime } = failure
      return { ...failure, ...(lastTransitionTime && { lastUpdateTime: lastTransitionTime }) }
    }
  }
  return undefined
}
