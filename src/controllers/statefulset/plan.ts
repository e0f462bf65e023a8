/**
 * What a StatefulSet does next. Pure.
 *
 *   missing or ended replicas → surplus pods → pods of an old template
 *
 * With OrderedReady each step waits for the one before it: one pod is made at a time, from the lowest ordinal up, and
 * one removed at a time, from the highest down, and only while all others are available. Parallel does not wait, but
 * for the limit of an update.
 */
import { isPodTerminal, isPodTerminating, podAvailable, podReady } from '../../api/core/pod/conditions.ts'
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { burstMax } from '../shared/batch.ts'
import { omitZero, scaledValue } from '../shared/numbers.ts'
import { identityMatches, ordinalOf, podRevision } from './identity.ts'

export interface Plan {
  /** Ordinals that get a pod, and the revision it is made of. */
  readonly create: { readonly ordinal: number; readonly revision: ControllerRevision }[]
  readonly remove: Pod[]
  /** Ended pods among `remove`: reported before they are replaced. */
  readonly ended: Pod[]
  /** Pods whose identity labels somebody changed. */
  readonly relabel: { readonly pod: Pod; readonly ordinal: number }[]
}

export interface PlanInput {
  /** All pods of the set, also those being deleted. */
  readonly pods: readonly Pod[]
  /** The revision pods come from, and the one they go to; the same between updates. */
  readonly current: ControllerRevision
  readonly update: ControllerRevision
  readonly now: Date
}

interface Slot {
  readonly ordinal: number
  readonly pod: Pod | undefined
  readonly available: boolean
}

export function plan(set: StatefulSet, input: PlanInput): Plan {
  const result: Plan = { create: [], remove: [], ended: [], relabel: [] }
  const { slots, condemned } = arrange(set, input)
  const ordered = set.spec?.podManagementPolicy !== 'Parallel'
  for (const slot of slots) {
    if (!fill(set, slot, { input, result }) && ordered) return result
  }
  if (condemned.length > 0 && ordered) {
    const [highest] = condemned
    if (highest && mayLeave(highest, condemned)) result.remove.push(highest.pod as Pod)
    return result
  }
  result.remove.push(...condemned.flatMap(({ pod }) => (pod && !isPodTerminating(pod) ? [pod] : [])))
  result.remove.push(...outdated(set, slots, input).filter((pod) => !result.remove.includes(pod)))
  return result
}

/**
 * Slots by ordinal, and the pods beyond them, highest ordinal first. A set of millions has no more slots than one sync
 * could fill: those above come when these are filled.
 */
function arrange(set: StatefulSet, { pods, now }: PlanInput): { slots: Slot[]; condemned: Slot[] } {
  const start = startOrdinal(set)
  const replicas = set.spec?.replicas ?? 1
  const minReady = set.spec?.minReadySeconds ?? 0
  const length = Math.min(replicas, pods.length + burstMax)
  const slots: Slot[] = Array.from({ length }, (_, i) => ({
    ordinal: start + i,
    pod: undefined,
    available: false,
  }))
  const condemned: Slot[] = []
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod)
    if (ordinal === undefined) continue
    const slot = { ordinal, pod, available: isRunningAndAvailable(pod, minReady, now) && !isPodTerminating(pod) }
    if (ordinal < start || ordinal >= start + replicas) condemned.push(slot)
    else if (ordinal < start + length) slots[ordinal - start] = slot
  }
  return { slots, condemned: condemned.sort((a, b) => b.ordinal - a.ordinal) }
}

/** Does what one replica needs. False: the ordinals after it have to wait. */
function fill(
  set: StatefulSet,
  { ordinal, pod, available }: Slot,
  { input, result }: { input: PlanInput; result: Plan },
): boolean {
  if (!pod) {
    result.create.push({ ordinal, revision: revisionFor(set, ordinal, input) })
    return false
  }
  if (isPodTerminal(pod)) {
    if (!isPodTerminating(pod)) {
      result.remove.push(pod)
      result.ended.push(pod)
    }
    return false
  }
  if (!identityMatches(set, pod, ordinal)) result.relabel.push({ pod, ordinal })
  return available
}

/** Pods below the partition are made anew of the template they had. */
function revisionFor(set: StatefulSet, ordinal: number, { current, update }: PlanInput): ControllerRevision {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {}
  if (type === 'OnDelete') return update
  const kept = rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status?.currentReplicas ?? 0)
  return ordinal < startOrdinal(set) + kept ? current : update
}

/** A surplus pod waits for others that are unwell, unless it is the first of them itself. */
function mayLeave(slot: Slot, condemned: readonly Slot[]): boolean {
  if (!slot.pod || isPodTerminating(slot.pod)) return false
  return slot.available || condemned.findLast(({ available }) => !available) === slot
}

/** Old pods that go now, highest ordinal first: what is on its way or unwell there counts against the limit. */
function outdated(set: StatefulSet, slots: readonly Slot[], { update }: PlanInput): Pod[] {
  const { type, rollingUpdate } = set.spec?.updateStrategy ?? {}
  if (type === 'OnDelete') return []
  // A percentage of few pods still lets one go.
  let left = Math.max(1, scaledValue(rollingUpdate?.maxUnavailable ?? 1, slots.length, 'down'))
  const remove: Pod[] = []
  for (const { pod, available } of slots.slice(rollingUpdate?.partition ?? 0).reverse()) {
    if (left === 0) break
    const old = pod && podRevision(pod) !== update.metadata.name && !isPodTerminating(pod)
    if (old) remove.push(pod)
    if (old || !available) left--
  }
  return remove
}

function startOrdinal({ spec }: StatefulSet): number {
  return spec?.ordinals?.start ?? 0
}

function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && podReady(pod)
}

function isRunningAndAvailable(pod: Pod, minReadySeconds: number, now: Date): boolean {
  return isRunningAndReady(pod) && podAvailable(pod, minReadySeconds, now)
}

export function statefulSetStatus(
  set: StatefulSet,
  { pods, current, update, now }: PlanInput,
  collisionCount: number,
): StatefulSetStatus {
  const minReady = set.spec?.minReadySeconds ?? 0
  const living = pods.filter((pod) => !isPodTerminating(pod))
  const ofRevision = ({ metadata }: ControllerRevision) =>
    living.filter((pod) => podRevision(pod) === metadata.name).length
  const readyReplicas = pods.filter(isRunningAndReady).length
  const updatedReplicas = ofRevision(update)
  const wanted = set.spec?.replicas ?? 1
  // Everybody is where the update wanted them: it is the current revision from here on.
  const complete =
    set.spec?.updateStrategy?.type !== 'OnDelete' &&
    [updatedReplicas, readyReplicas, pods.length].every((count) => count === wanted)
  return {
    replicas: pods.length,
    ...omitZero({
      readyReplicas,
      currentReplicas: complete ? updatedReplicas : ofRevision(current),
      updatedReplicas,
      observedGeneration: set.metadata.generation ?? 0,
    }),
    availableReplicas: pods.filter((pod) => isRunningAndAvailable(pod, minReady, now)).length,
    currentRevision: (complete ? update : current).metadata.name,
    updateRevision: update.metadata.name,
    collisionCount,
  }
}
