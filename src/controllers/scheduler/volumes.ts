/** What a pod's claims ask of its node. Pure. */
import type { NodeSelector, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/v1.ts'
import type { ReadCache } from '../../client/contract.ts'

export interface StorageView {
  readonly claims: Pick<ReadCache<PersistentVolumeClaim>, 'get'>
  readonly volumes: Pick<ReadCache<PersistentVolume>, 'get'>
}

/** Why no node will do; else what every node must match. */
export type VolumeNeeds = { readonly problem: string } | { readonly affinities: readonly NodeSelector[] }

export function volumeNeeds({ metadata, spec }: Pod, { claims, volumes }: StorageView): VolumeNeeds {
  const affinities: NodeSelector[] = []
  for (const { name, persistentVolumeClaim, ephemeral } of spec?.volumes ?? []) {
    const claimName = persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${name}`)
    if (claimName === undefined) continue
    const claim = claims.get(`${metadata.namespace}/${claimName}`)
    if (!claim) return { problem: `persistentvolumeclaim ${JSON.stringify(claimName)} not found` }
    if (claim.metadata.deletionTimestamp) {
      return { problem: `persistentvolumeclaim ${JSON.stringify(claimName)} is being deleted` }
    }
    const volume = volumes.get(claim.spec?.volumeName ?? '')
    if (claim.status?.phase !== 'Bound' || !volume) {
      return { problem: 'pod has unbound immediate PersistentVolumeClaims' }
    }
    const { required } = volume.spec?.nodeAffinity ?? {}
    if (required) affinities.push(required)
  }
  return { affinities }
}
