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

export function startClaimProtection(ctx: ControllerContext): void {
  const { claims, pods } = storageCaches(ctx)
  const queue = startQueue(ctx, {
    name: 'claim-protection',
    after: [claims, pods],
    async reconcile(key) {
      const claim = claims.get(key)
      if (!claim || !isHeld(claim, claimFinalizer) || pods.byIndex(byClaim.name, key).length > 0) return
      await release(ctx, resources.persistentVolumeClaims, claim, claimFinalizer)
    },
  })
  claims.onChange(({ type, object }) => {
    if (type !== 'deleted' && isHeld(object, claimFinalizer)) queue.add(objectKey(object))
  })
  pods.onChange(({ object }) => {
    for (const name of claimNames(object)) {
      const key = `${object.metadata.namespace}/${name}`
      const claim = claims.get(key)
      if (claim && isHeld(claim, claimFinalizer)) queue.add(key)
    }
  })
}

export function startVolumeProtection(ctx: ControllerContext): void {
  const { volumes } = storageCaches(ctx)
  const queue = startQueue(ctx, {
    name: 'volume-protection',
    after: [volumes],
    async reconcile(name) {
      const volume = volumes.get(name)
      if (!volume || !isHeld(volume, volumeFinalizer) || volume.status?.phase === 'Bound') return
      await release(ctx, resources.persistentVolumes, volume, volumeFinalizer)
    },
  })
  volumes.onChange(({ type, object }) => {
    if (type !== 'deleted' && isHeld(object, volumeFinalizer)) queue.add(object.metadata.name)
  })
}

async function release<T extends KubeObject>(
  { client }: ControllerContext,
  resource: Resource<T>,
  object: T,
  finalizer: string,
): Promise<void> {
  const { metadata } = object
  const finalizers = (metadata.finalizers ?? []).filter((name) => name !== finalizer)
  await tolerateGone(client.update(resource, { ...object, metadata: { ...metadata, finalizers } }))
}

function isHeld({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(finalizer) ?? false)
}
