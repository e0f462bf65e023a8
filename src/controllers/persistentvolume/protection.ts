/** Claims that pods use, and volumes that claims use, stay until they are not in use any more. */
import type { KubeObject } from '../../api/machinery/object.ts'
import { objectKey } from '../../api/machinery/object.ts'
import type { Resource } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'
import { byClaim, claimNames, storageCaches } from './context.ts'

const claimFinalizer = 'kubernetes.io/pvc-protection'
const volumeFinalizer = 'kubernetes.io/pv-protection'

export function startStorageProtection(ctx: ControllerContext): void {
  const { claims, volumes, pods } = storageCaches(ctx)

  const release = async <T extends KubeObject>(resource: Resource<T>, object: T, finalizer: string): Promise<void> => {
    const { metadata } = object
    const finalizers = (metadata.finalizers ?? []).filter((name) => name !== finalizer)
    await tolerateGone(ctx.client.update(resource, { ...object, metadata: { ...metadata, finalizers } }))
  }
  const claimQueue = startQueue(ctx, {
    name: 'claim-protection',
    after: [claims, pods],
    async reconcile(key) {
      const claim = claims.get(key)
      if (!claim || !isHeld(claim, claimFinalizer) || pods.byIndex(byClaim.name, key).length > 0) return
      await release(resources.persistentVolumeClaims, claim, claimFinalizer)
    },
  })
  const volumeQueue = startQueue(ctx, {
    name: 'volume-protection',
    after: [volumes],
    async reconcile(name) {
      const volume = volumes.get(name)
      if (!volume || !isHeld(volume, volumeFinalizer) || volume.status?.phase === 'Bound') return
      await release(resources.persistentVolumes, volume, volumeFinalizer)
    },
  })
  claims.onChange(({ type, object }) => {
    if (type !== 'deleted' && isHeld(object, claimFinalizer)) claimQueue.add(objectKey(object))
  })
  pods.onChange(({ object }) => {
    for (const name of claimNames(object)) {
      const key = `${object.metadata.namespace}/${name}`
      const claim = claims.get(key)
      if (claim && isHeld(claim, claimFinalizer)) claimQueue.add(key)
    }
  })
  volumes.onChange(({ type, object }) => {
    if (type !== 'deleted' && isHeld(object, volumeFinalizer)) volumeQueue.add(object.metadata.name)
  })
}

function isHeld({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(finalizer) ?? false)
}
