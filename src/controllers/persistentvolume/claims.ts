/** Claims: each gets a volume that fits, or one is made for it; one whose volume is gone is lost. */

import type { StorageClass } from '../../api/generated/storage.k8s.io.v1.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { sameJson } from '../shared/hash.ts'
import {
  bindCompleted,
  boundByController,
  byClaim,
  hostPathProvisioner,
  type LocalVolumes,
  provisionedBy,
  selectedNodeAnnotation,
  storageCaches,
} from './context.ts'
import { findVolume, isReservedFor } from './match.ts'

export function startClaimBinding(ctx: ControllerContext, local: LocalVolumes | undefined): void {
  const { client } = ctx
  const { claims, volumes, pods } = storageCaches(ctx)
  const classes = ctx.informers.of(resources.storageClasses)
  const events = ctx.events('persistentvolume-controller')

  const reconcile = async (key: string): Promise<void> => {
    const claim = claims.get(key)
    if (!claim || claim.metadata.deletionTimestamp) return
    const { volumeName } = claim.spec ?? {}
    if (!volumeName) return seekVolume(claim)
    const volume = volumes.get(volumeName)
    if (volume) return isFree(volume, claim) ? bind(claim, volume) : undefined
    if (claim.metadata.annotations?.[bindCompleted] !== undefined) return lose(claim, 'ClaimLost')
  }
  /** A volume named by the user may be somebody else's: then the claim waits. */
  const isFree = (volume: PersistentVolume, claim: PersistentVolumeClaim) =>
    !volume.spec?.claimRef || isReservedFor(volume, claim)

  const seekVolume = async (claim: PersistentVolumeClaim): Promise<void> => {
    const storageClass = classes.get(claim.spec?.storageClassName ?? '')
    const delayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
    // For those the scheduler chooses: it reserves a volume, or selects a node to make one for.
    const candidates = delayed ? volumes.list().filter((one) => isReservedFor(one, claim)) : volumes.list()
    const volume = findVolume(claim, candidates)
    if (volume) return bind(claim, volume)
    const waits = delayed && claim.metadata.annotations?.[selectedNodeAnnotation] === undefined
    return waits ? sayWaiting(claim) : provision(claim, storageClass)
  }
  const sayWaiting = (claim: PersistentVolumeClaim): void => {
    const users = pods.byIndex(byClaim.name, objectKey(claim)).filter(({ spec }) => !spec?.nodeName)
    if (users.length === 0) {
      const message = 'waiting for first consumer to be created before binding'
      return events.event(claim, 'Normal', 'WaitForFirstConsumer', message)
    }
    const names = users.map(({ metadata }) => metadata.name).join(',')
    const message = `waiting for pod${users.length > 1 ? 's' : ''} ${names} to be scheduled`
    events.event(claim, 'Normal', 'WaitForPodScheduled', message)
  }

  const provision = async (claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): Promise<void> => {
    const { storageClassName } = claim.spec ?? {}
    if (!storageClassName) {
      const message = 'no persistent volumes available for this claim and no storage class is set'
      return events.event(claim, 'Normal', 'FailedBinding', message)
    }
    if (!storageClass) {
      const message = `storageclass.storage.k8s.io ${JSON.stringify(storageClassName)} not found`
      return events.event(claim, 'Warning', 'ProvisioningFailed', message)
    }
    const { provisioner } = storageClass
    if (provisioner !== hostPathProvisioner || !local) {
      const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
      return events.event(claim, 'Normal', 'ExternalProvisioning', message)
    }
    const name = `pvc-${claim.metadata.uid}`
    const path = await local.create(name)
    try {
      await client.create(resources.persistentVolumes, provisionedVolume(claim, storageClass, { name, path }))
    } catch (error) {
      // Made the last time; its event brings the claim back.
      if (!isReason(error, 'AlreadyExists')) throw error
      return
    }
    events.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)
  }

  const bind = async (claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> => {
    const reserved = await reserve(claim, volume)
    if (reserved.status?.phase !== 'Bound') {
      await client.updateStatus(resources.persistentVolumes, {
        ...reserved,
        status: { ...reserved.status, phase: 'Bound' },
      })
    }
    const named = await nameVolume(claim, reserved)
    const { accessModes = [], capacity = {} } = reserved.spec ?? {}
    const status = { ...named.status, phase: 'Bound', accessModes, capacity }
    if (!sameJson(named.status, status))
      await client.updateStatus(resources.persistentVolumeClaims, { ...named, status })
  }

  const reserve = async (claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolume> => {
    const { namespace = '', name, uid = '', resourceVersion = '' } = claim.metadata
    const before = volume.spec?.claimRef
    if (before?.uid === uid) return volume
    const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion }
    // A reference that somebody made before stays when the claim goes.
    const annotations = { ...volume.metadata.annotations, ...(!before && { [boundByController]: 'yes' }) }
    return client.update(resources.persistentVolumes, {
      ...volume,
      metadata: { ...volume.metadata, annotations },
      spec: { ...volume.spec, claimRef },
    })
  }

  const nameVolume = async (claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolumeClaim> => {
    const { metadata, spec } = claim
    const chosen = !spec?.volumeName
    if (!chosen && metadata.annotations?.[bindCompleted] !== undefined) return claim
    const annotations = {
      ...metadata.annotations,
      [bindCompleted]: 'yes',
      ...(chosen && { [boundByController]: 'yes' }),
    }
    return client.update(resources.persistentVolumeClaims, {
      ...claim,
      metadata: { ...metadata, annotations },
      spec: { ...spec, volumeName: volume.metadata.name },
    })
  }

  const lose = async (claim: PersistentVolumeClaim, reason: string): Promise<void> => {
    if (claim.status?.phase === 'Lost') return
    events.event(claim, 'Warning', reason, 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
    const status = { phase: 'Lost' }
    await client.updateStatus(resources.persistentVolumeClaims, { ...claim, status })
  }

  // One at a time: two claims must not reach for one volume.
  const queue: WorkQueue = startQueue(ctx, { name: 'claim-binder', after: [claims, volumes, pods, classes], reconcile })
  const retryUnbound = () => {
    for (const claim of claims.list()) if (claim.status?.phase !== 'Bound') queue.add(objectKey(claim))
  }
  claims.onChange(({ object }) => queue.add(objectKey(object)))
  volumes.onChange(({ type, object }) => {
    const { claimRef } = object.spec ?? {}
    if (claimRef) queue.add(`${claimRef.namespace}/${claimRef.name}`)
    if (type !== 'deleted') retryUnbound()
  })
  classes.onChange(retryUnbound)
  pods.onChange(({ object }) => {
    for (const key of byClaim.keys(object)) if (!claims.get(key)?.spec?.volumeName) queue.add(key)
  })
}

function provisionedVolume(
  { metadata, spec }: PersistentVolumeClaim,
  storageClass: StorageClass,
  { name, path }: { name: string; path: string },
): PersistentVolume {
  const { namespace = '', uid = '' } = metadata
  const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name: metadata.name, uid }
  return {
    metadata: { name, annotations: { [provisionedBy]: hostPathProvisioner } },
    spec: {
      capacity: { storage: spec?.resources?.requests?.['storage'] ?? '0' },
      accessModes: [...(spec?.accessModes ?? [])],
      ...(spec?.volumeMode && { volumeMode: spec.volumeMode }),
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      claimRef,
      hostPath: { path, type: '' },
    },
  }
}
