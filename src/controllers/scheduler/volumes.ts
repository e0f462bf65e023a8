/** What a pod's claims ask of its node. Pure. */
import { claimNameOf, claimProblem } from '../../api/core/pod/claims.ts'
import type { NodeSelector, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../api/generated/v1.ts'
import type { ReadCache } from '../../client/contract.ts'
import type { PodRule } from './filters.ts'

export interface StorageView {
  readonly claims: Pick<ReadCache<PersistentVolumeClaim>, 'get'>
  readonly volumes: Pick<ReadCache<PersistentVolume>, 'get'>
}

/** Why no node will do; else what the node must match, and the claims that no other pod may use. */
export type VolumeNeeds =
  | { readonly problem: string }
  | { readonly volumes: readonly NodeSelector[]; readonly exclusive: readonly string[] }

export function volumeNeeds(pod: Pod, { claims, volumes }: StorageView): VolumeNeeds {
  const affinities: NodeSelector[] = []
  const exclusive: string[] = []
  for (const volume of pod.spec?.volumes ?? []) {
    const claimName = claimNameOf(pod, volume)
    if (claimName === undefined) continue
    const claim = claims.get(`${pod.metadata.namespace}/${claimName}`)
    if (!claim) return { problem: missing(volume, JSON.stringify(claimName)) }
    const problem = claimProblem(pod, volume, claim)
    if (problem) return { problem }
    if (claim.metadata.deletionTimestamp) {
      return { problem: `persistentvolumeclaim ${JSON.stringify(claimName)} is being deleted` }
    }
    const bound = volumes.get(claim.spec?.volumeName ?? '')
    if (claim.status?.phase !== 'Bound' || !bound) {
      return { problem: 'pod has unbound immediate PersistentVolumeClaims' }
    }
    if (claim.spec?.accessModes?.includes('ReadWriteOncePod')) exclusive.push(claimName)
    const { required } = bound.spec?.nodeAffinity ?? {}
    if (required) affinities.push(required)
  }
  return { volumes: affinities, exclusive }
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

function missing({ ephemeral }: Volume, name: string): string {
  return ephemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${name}`
    : `persistentvolumeclaim ${name} not found`
}
