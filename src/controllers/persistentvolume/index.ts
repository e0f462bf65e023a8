/**
 * PersistentVolume controller: brings claims and volumes together. Where the cluster offers directories of its machine,
 * its default StorageClass makes a volume for every claim that asks for it.
 */
import type { StorageClass } from '../../api/generated/storage.k8s.io.v1.ts'
import { isDefaultAnnotation } from '../../api/storage/storageclass.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { createIfAbsent } from '../kubernetes/index.ts'
import { startClaimBinding } from './claims.ts'
import { hostPathProvisioner, type LocalVolumes } from './context.ts'
import { startVolumeReclaim } from './volumes.ts'

export type { LocalVolumes } from './context.ts'
export { startClaimProtection, startVolumeProtection } from './protection.ts'

export function startPersistentVolumeController(ctx: ControllerContext, local?: LocalVolumes): void {
  startClaimBinding(ctx, local)
  startVolumeReclaim(ctx, local)
}

const standard: StorageClass = {
  metadata: { name: 'standard', annotations: { [isDefaultAnnotation]: 'true' } },
  provisioner: hostPathProvisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'Immediate',
}

/** The class of directories of this machine; a cluster has it from its start. */
export function startStandardStorageClass(ctx: ControllerContext): void {
  const classes = ctx.informers.of(resources.storageClasses)
  const queue = startQueue(ctx, {
    name: 'standard-storageclass',
    after: [classes],
    reconcile: async (name) => {
      if (!classes.get(name)) await createIfAbsent(ctx, resources.storageClasses, standard)
    },
  })
  queue.add(standard.metadata.name)
}
