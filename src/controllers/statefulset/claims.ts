/** The claims of a StatefulSet's pods: one for each template and ordinal, older and longer-lived than the pod. */
import type { StatefulSet } from '../../api/generated/apps.v1.ts'
import type { OwnerReference } from '../../api/generated/meta.v1.ts'
import type { PersistentVolumeClaim, Pod, Volume } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { controllerReference } from '../shared/owners.ts'
import { ordinalOf, podNameOf } from './identity.ts'

/** The claims a pod of this ordinal needs, as they are made. */
export function claimsFor(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    metadata: {
      name: claimName(metadata.name, set, ordinal),
      namespace: set.metadata.namespace ?? '',
      labels: { ...metadata.labels, ...set.spec?.selector.matchLabels },
      ...(metadata.annotations && { annotations: { ...metadata.annotations } }),
      ...ownersField(ownersOf(set)),
    },
    ...(spec && { spec: structuredClone(spec) }),
  }))
}

function claimName(template: string, set: StatefulSet, ordinal: number): string {
  return `${template}-${podNameOf(set, ordinal)}`
}

/** Volumes of the pod: those of the claims, and those of the template that have other names. */
export function volumesWithClaims(set: StatefulSet, ordinal: number, volumes: readonly Volume[] = []): Volume[] {
  const templates = set.spec?.volumeClaimTemplates ?? []
  const names = new Set(templates.map(({ metadata }) => metadata.name))
  return [
    ...templates.map(({ metadata: { name } }) => ({
      name,
      persistentVolumeClaim: { claimName: claimName(name, set, ordinal) },
    })),
    ...volumes.filter(({ name }) => !names.has(name)),
  ]
}

/** Who takes a new claim along: the set, where its policy says that claims go with it. */
function ownersOf(set: StatefulSet): OwnerReference[] {
  const deleted = set.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete'
  return deleted ? [controllerReference(resources.statefulSets, set)] : []
}

/**
 * The claim with the owners that the set's retention policy gives it (KEP-1847); undefined: it has them. The claim of a
 * pod that is too many goes with the pod where `whenScaled` says so.
 */
export function withOwners(
  set: StatefulSet,
  pod: Pod,
  claim: PersistentVolumeClaim,
): PersistentVolumeClaim | undefined {
  const { whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {}
  const goesWithPod = whenScaled === 'Delete' && isCondemned(set, pod)
  const wanted = goesWithPod ? [podReference(pod)] : ownersOf(set)
  const own = [set.metadata.uid, pod.metadata.uid]
  const before = claim.metadata.ownerReferences ?? []
  const others = before.filter(({ uid }) => !own.includes(uid))
  const after = [...others, ...wanted]
  const same = after.length === before.length && after.every(({ uid }) => before.some((one) => one.uid === uid))
  if (same) return undefined
  const { ownerReferences: _, ...metadata } = claim.metadata
  return { ...claim, metadata: { ...metadata, ...ownersField(after) } }
}

function ownersField(ownerReferences: OwnerReference[]): { ownerReferences?: OwnerReference[] } {
  return ownerReferences.length > 0 ? { ownerReferences } : {}
}

function podReference({ metadata: { name, uid = '' } }: Pod): OwnerReference {
  return { apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true }
}

function isCondemned(set: StatefulSet, pod: Pod): boolean {
  const ordinal = ordinalOf(set, pod) ?? 0
  const start = set.spec?.ordinals?.start ?? 0
  return ordinal < start || ordinal >= start + (set.spec?.replicas ?? 1)
}
