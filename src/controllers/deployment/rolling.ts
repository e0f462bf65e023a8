/** How many pods each ReplicaSet of a Deployment may have: rolling update, scaling, and their limits. Pure. */
import type { Deployment, ReplicaSet } from '../../api/generated/apps.v1.ts'
import { scaledValue } from '../shared/numbers.ts'
import { byCreation, desiredAnnotation, maxAnnotation, specReplicas } from './revision.ts'

/** A ReplicaSet and the size it gets. */
export interface Resize {
  readonly replicaSet: ReplicaSet
  readonly replicas: number
}

export interface Family {
  readonly current: ReplicaSet | undefined
  readonly old: readonly ReplicaSet[]
}

export function isRollingUpdate({ spec }: Deployment): boolean {
  return spec?.strategy?.type !== 'Recreate'
}

export function desiredReplicas({ spec }: Deployment): number {
  return spec?.replicas ?? 1
}

/** Resolved `maxSurge` and `maxUnavailable`; both 0 would never move, so one may then be unavailable. */
export function limits(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  if (!isRollingUpdate(deployment)) return { maxSurge: 0, maxUnavailable: 0 }
  const replicas = desiredReplicas(deployment)
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {}
  const surge = scaledValue(maxSurge, replicas, 'up')
  const unavailable = scaledValue(maxUnavailable, replicas, 'down')
  if (surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: 1 }
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) }
}

export function maxReplicas(deployment: Deployment): number {
  return desiredReplicas(deployment) + limits(deployment).maxSurge
}

const sum = (list: readonly ReplicaSet[], value: (replicaSet: ReplicaSet) => number) =>
  list.reduce((total, replicaSet) => total + value(replicaSet), 0)

const available = ({ status }: ReplicaSet) => status?.availableReplicas ?? 0

/** The size of the current ReplicaSet: what the surge leaves room for. `replicas` is 0 before it exists. */
export function currentSize(deployment: Deployment, { current, old }: Family): number {
  const desired = desiredReplicas(deployment)
  if (!isRollingUpdate(deployment)) return desired
  const size = current ? specReplicas(current) : 0
  if (size >= desired) return desired
  const room = maxReplicas(deployment) - size - sum(old, specReplicas)
  return room <= 0 ? size : size + Math.min(room, desired - size)
}

/**
 * Sizes of the old ReplicaSets as far as availability allows: first pods that are not available anyway, oldest
 * ReplicaSet first, then healthy ones beyond the minimum.
 */
export function shrinkOld(deployment: Deployment, { current, old }: Family): Resize[] {
  if (sum(old, specReplicas) === 0) return []
  const all = current ? [...old, current] : old
  const minAvailable = desiredReplicas(deployment) - limits(deployment).maxUnavailable
  const currentUnavailable = current ? specReplicas(current) - available(current) : 0
  const removable = sum(all, specReplicas) - minAvailable - currentUnavailable
  if (removable <= 0) return []
  const sizes = new Map(old.map((replicaSet) => [replicaSet, specReplicas(replicaSet)]))
  removeUnhealthy(sizes, removable)
  removeHealthy(sizes, sum(all, available) - minAvailable)
  return [...sizes]
    .filter(([replicaSet, replicas]) => replicas !== specReplicas(replicaSet))
    .map(([replicaSet, replicas]) => ({ replicaSet, replicas }))
}

function removeUnhealthy(sizes: Map<ReplicaSet, number>, removable: number): void {
  let left = removable
  for (const replicaSet of [...sizes.keys()].sort(byCreation)) {
    const size = sizes.get(replicaSet) ?? 0
    const removed = Math.min(left, Math.max(0, size - available(replicaSet)))
    sizes.set(replicaSet, size - removed)
    left -= removed
    if (left <= 0) return
  }
}

function removeHealthy(sizes: Map<ReplicaSet, number>, removable: number): void {
  let left = removable
  for (const replicaSet of [...sizes.keys()].sort(byCreation)) {
    if (left <= 0) return
    const size = sizes.get(replicaSet) ?? 0
    const removed = Math.min(left, size)
    sizes.set(replicaSet, size - removed)
    left -= removed
  }
}

/** True when the Deployment's size was changed since its ReplicaSets got theirs. */
export function isScaling(deployment: Deployment, { current, old }: Family): boolean {
  return active(current ? [...old, current] : old).some((replicaSet) => {
    const desired = replicaSet.metadata.annotations?.[desiredAnnotation]
    return desired !== undefined && Number(desired) !== desiredReplicas(deployment)
  })
}

/** Sizes after the Deployment was scaled: one active ReplicaSet takes it all, several share it in proportion. */
export function rescale(deployment: Deployment, { current, old }: Family): Resize[] {
  const desired = desiredReplicas(deployment)
  const all = current ? [...old, current] : [...old]
  const running = active(all)
  const only = running.length === 0 ? (current ?? old.toSorted(byCreation).at(-1)) : running[0]
  if (running.length <= 1) return only ? [{ replicaSet: only, replicas: desired }] : []
  if (current && isSaturated(deployment, current)) return active(old).map((replicaSet) => ({ replicaSet, replicas: 0 }))
  return isRollingUpdate(deployment) ? proportional(deployment, running) : []
}

export function active(list: readonly ReplicaSet[]): ReplicaSet[] {
  return list.filter((replicaSet) => specReplicas(replicaSet) > 0)
}

function isSaturated(deployment: Deployment, current: ReplicaSet): boolean {
  const desired = desiredReplicas(deployment)
  return (
    specReplicas(current) === desired &&
    Number(current.metadata.annotations?.[desiredAnnotation]) === desired &&
    available(current) === desired
  )
}

/** The larger ReplicaSets move first; the largest takes what rounding left over. */
function proportional(deployment: Deployment, running: readonly ReplicaSet[]): Resize[] {
  const total = sum(running, specReplicas)
  const allowed = desiredReplicas(deployment) > 0 ? maxReplicas(deployment) : 0
  const toAdd = allowed - total
  const bySize = running.toSorted(
    (a, b) => specReplicas(b) - specReplicas(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)),
  )
  let added = 0
  const resized = bySize.map((replicaSet) => {
    const share = toAdd === 0 ? 0 : proportion(deployment, replicaSet, { allowed, toAdd, added })
    added += share
    return { replicaSet, replicas: specReplicas(replicaSet) + share }
  })
  return resized.map((resize, i) => ({
    ...resize,
    replicas: Math.max(0, i === 0 ? resize.replicas + (toAdd - added) : resize.replicas),
  }))
}

function proportion(
  deployment: Deployment,
  replicaSet: ReplicaSet,
  { allowed, toAdd, added }: { allowed: number; toAdd: number; added: number },
): number {
  const size = specReplicas(replicaSet)
  const formerMax = Number(replicaSet.metadata.annotations?.[maxAnnotation]) || deployment.status?.replicas || size
  const fraction = desiredReplicas(deployment) === 0 ? -size : roundHalfAway((size * allowed) / formerMax) - size
  const left = toAdd - added
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left)
}

function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value))
}
