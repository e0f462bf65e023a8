/** Tells the volume controller, and provisioners, what was decided for the claims of a pod. */
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../api/generated/v1.ts'
import type { KubeClient } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import { boundByController, selectedNodeAnnotation } from '../persistentvolume/context.ts'
import type { BindingPlan } from './delayed-binding.ts'

/** What is said already is not said again. */
export async function bindVolumes(client: KubeClient, plan: BindingPlan, node: Node): Promise<void> {
  const { name } = node.metadata
  await Promise.all([
    ...plan.reserve.map(({ claim, volume }) => reserve(client, claim, volume)),
    ...plan.provision.map((claim) => selectNode(client, claim, name)),
  ])
}

async function reserve(client: KubeClient, claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
  const { namespace = '', name, uid = '', resourceVersion = '' } = claim.metadata
  const before = volume.spec?.claimRef
  if (before?.uid === uid) return
  const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion }
  const annotations = { ...volume.metadata.annotations, ...(!before && { [boundByController]: 'yes' }) }
  await client.update(resources.persistentVolumes, {
    ...volume,
    metadata: { ...volume.metadata, annotations },
    spec: { ...volume.spec, claimRef },
  })
}

async function selectNode(client: KubeClient, claim: PersistentVolumeClaim, node: string): Promise<void> {
  const { metadata } = claim
  if (metadata.annotations?.[selectedNodeAnnotation] === node) return
  const annotations = { ...metadata.annotations, [selectedNodeAnnotation]: node }
  await client.update(resources.persistentVolumeClaims, { ...claim, metadata: { ...metadata, annotations } })
}
