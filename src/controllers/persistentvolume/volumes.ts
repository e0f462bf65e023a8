/** Volumes: free, bound, or given up by a claim that is gone; and then kept or removed, as their policy says. */
import type { PersistentVolume } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'
import { hostPathProvisioner, type LocalVolumes, provisionedBy, storageCaches } from './context.ts'

export function startVolumeReclaim(ctx: ControllerContext, local: LocalVolumes | undefined): void {
  const { client } = ctx
  const { claims, volumes } = storageCaches(ctx)
  const events = ctx.events('persistentvolume-controller')

  const reconcile = async (name: string): Promise<void> => {
    const volume = volumes.get(name)
    if (!volume) return
    const { claimRef } = volume.spec ?? {}
    // Without a uid it is only set aside, for a claim that may come.
    if (!claimRef?.uid) return setPhase(volume, 'Available')
    const at = { namespace: claimRef.namespace ?? '', name: claimRef.name ?? '' }
    const claim =
      claims.get(`${at.namespace}/${at.name}`) ?? (await tolerateGone(client.get(resources.persistentVolumeClaims, at)))
    if (claim?.metadata.uid === claimRef.uid) return
    await setPhase(volume, 'Released')
    if (volume.spec?.persistentVolumeReclaimPolicy === 'Delete') await remove(volume)
  }

  const setPhase = async (volume: PersistentVolume, phase: string): Promise<void> => {
    const { status } = volume
    if (status?.phase === phase || (phase === 'Released' && status?.phase === 'Failed')) return
    await tolerateGone(client.updateStatus(resources.persistentVolumes, { ...volume, status: { ...status, phase } }))
  }

  const remove = async (volume: PersistentVolume): Promise<void> => {
    const { name, annotations = {}, uid = '' } = volume.metadata
    if (annotations[provisionedBy] !== hostPathProvisioner || !local) {
      if (annotations[provisionedBy] || volume.status?.phase === 'Failed') return
      const message =
        'error getting deleter volume plugin for volume ' +
        JSON.stringify(name) +
        ': no deletable volume plugin matched'
      events.event(volume, 'Warning', 'VolumeFailedDelete', message)
      const status = { ...volume.status, phase: 'Failed', message }
      await tolerateGone(client.updateStatus(resources.persistentVolumes, { ...volume, status }))
      return
    }
    await local.remove(name)
    await tolerateGone(client.delete(resources.persistentVolumes, { name }, { preconditions: { uid } }))
  }

  const queue = startQueue(ctx, { name: 'volume-reclaim', after: [claims, volumes], reconcile })
  volumes.onChange(({ type, object }) => {
    if (type !== 'deleted') queue.add(object.metadata.name)
  })
  claims.onChange(({ type, object }) => {
    const { volumeName } = object.spec ?? {}
    if (type === 'deleted' && volumeName) queue.add(volumeName)
  })
}
