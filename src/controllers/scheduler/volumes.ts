/** What a pod's claims ask of its node. Pure. */
import { claimNameOf, claimProblem } from '../../api/core/pod/claims.ts'
import type { NodeSelector, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../api/generated/v1.ts'
import type { ReadCache } from '../../client/contract.ts'

export interface StorageView {
  readonly claims: Pick<ReadCache<PersistentVolumeClaim>, 'get'>
  readonly volumes: Pick<ReadCache<PersistentVolume>, 'get'>
}

/** Why no node will do; else what every node must match. */
export type VolumeNeeds = { readonly problem: string } | { readonly affinities: readonly NodeSelector[] }

export function volumeNeeds(pod: Pod, { claims, volumes }: StorageView): VolumeNeeds {
  const affinities: NodeSelector[] = []
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
    const { required } = bound.spec?.nodeAffinity ?? {}
    if (required) affinities.push(required)
  }
  return { affinities }
}

function missing({ ephemeral }: Volume, name: string): string {
  return ephemeral
    ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${name}`
    : `persistentvolumeclaim ${name} not found`
}
