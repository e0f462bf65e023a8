/** What a pod's claims ask of its node. Pure. */
import { claimNameOf, claimProblem } from '../../api/core/pod/claims.ts'
import type { StorageClass } from '../../api/generated/storage.k8s.io.v1.ts'
import type { NodeSelector, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../api/generated/v1.ts'
import type { ReadCache } from '../../client/contract.ts'
import type { DelayedClaim } from './delayed-binding.ts'
import type { PodRule } from './filters.ts'

export interface StorageView {
  readonly claims: Pick<ReadCache<PersistentVolumeClaim>, 'get'>
  readonly volumes: Pick<ReadCache<PersistentVolume>, 'get'>
  readonly classes: Pick<ReadCache<StorageClass>, 'get'>
}

/**
 * Why no node will do; else what the node must match, and what is special about the claims. `binding`: a claim has its
 * volume, and is about to be bound to it.
 */
export type VolumeNeeds = { readonly problem: string; readonly binding?: boolean } | Claims

export interface Claims {
  readonly volumes: readonly NodeSelector[]
  /** Names of claims that no other pod may use. */
  readonly exclusive: readonly string[]
  /** Claims whose volume is chosen for the node. */
  readonly delayed: readonly DelayedClaim[]
}

export function volumeNeeds(pod: Pod, storage: StorageView): VolumeNeeds {
  const selectors: NodeSelector[] = []
  const exclusive: string[] = []
  const delayed: DelayedClaim[] = []
  for (const volume of pod.spec?.volumes ?? []) {
    const name = claimNameOf(pod, volume)
    if (name === undefined) continue
    const claim = storage.claims.get(`${pod.metadata.namespace}/${name}`)
    if (!claim) return { problem: missing(volume, JSON.stringify(name)) }
    const problem = claimProblem(pod, volume, claim)
    if (problem) return { problem }
    if (claim.metadata.deletionTimestamp) {
      return { problem: `persistentvolumeclaim ${JSON.stringify(name)} is being deleted` }
    }
    if (claim.spec?.accessModes?.includes('ReadWriteOncePod')) exclusive.push(name)
    const storageClass = storage.classes.get(claim.spec?.storageClassName ?? '')
    if (!claim.spec?.volumeName && storageClass?.volumeBindingMode === 'WaitForFirstConsumer') {
      delayed.push({ claim, storageClass })
      continue
    }
    const bound = storage.volumes.get(claim.spec?.volumeName ?? '')
    if (claim.status?.phase !== 'Bound' || !bound) {
      return { problem: 'pod has unbound immediate PersistentVolumeClaims', binding: bound !== undefined }
    }
    const { required } = bound.spec?.nodeAffinity ?? {}
    if (required) selectors.push(required)
  }
  return { volumes: selectors, exclusive, delayed }
}

function missing({ ephemeral }: Volume, name: string): string {
  return ephemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${name}`
    : `persistentvolumeclaim ${name} not found`
}

/** Undefined: the pod shares all of its claims. */
export function exclusiveRule(pod: Pod, exclusive: readonly string[]): PodRule | undefined {
  if (exclusive.length === 0) return undefined
  const uses = (other: Pod) =>
    other.metadata.namespace === pod.metadata.namespace &&
    (other.spec?.volumes ?? []).some((volume) => exclusive.includes(claimNameOf(other, volume) ?? ''))
  let users = 0
  return {
    count(other, _node, by) {
      if (uses(other)) users += by
    },
    refusal: () => (users > 0 ? { reasons: [inUse], preemptible: true } : undefined),
  }
}

const inUse = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'
