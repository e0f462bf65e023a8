/** Claims: each gets a volume that fits, or one is made for it; one whose volume is gone is lost. */

import type { StorageClass } from '../../api/generated/storage.k8s.io.v1.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { CacheChange, KubeClient } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
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
  type StorageCaches,
  selectedNodeAnnotation,
  storageCaches,
} from './context.ts'
import { findVolume, isReservedFor } from './match.ts'

export function startClaimBinding(ctx: ControllerContext, local: LocalVolumes | undefined): void {
  new ClaimBinder(ctx, local).start()
}

class ClaimBinder {
  readonly #client: KubeClient
  readonly #local: LocalVolumes | undefined
  readonly #caches: StorageCaches
  readonly #classes: Informer<StorageClass>
  readonly #events: EventRecorder
  readonly #queue: WorkQueue

  constructor(ctx: ControllerContext, local: LocalVolumes | undefined) {
    this.#client = ctx.client
    this.#local = local
    this.#caches = storageCaches(ctx)
    this.#classes = ctx.informers.of(resources.storageClasses)
    this.#events = ctx.events('persistentvolume-controller')
    const { claims, volumes, pods } = this.#caches
    // One at a time: two claims must not reach for one volume.
    this.#queue = startQueue(ctx, {
      name: 'claim-binder',
      after: [claims, volumes, pods, this.#classes],
      reconcile: (key) => this.#reconcile(key),
    })
  }

  start(): void {
    const { claims, volumes, pods } = this.#caches
    claims.onChange(({ object }) => this.#queue.add(objectKey(object)))
    volumes.onChange((change) => this.#volumeChanged(change))
    pods.onChange(({ object }) => this.#podChanged(object))
    this.#classes.onChange(() => this.#retryUnbound())
  }

  #volumeChanged({ type, object }: CacheChange<PersistentVolume>): void {
    const { claimRef } = object.spec ?? {}
    if (claimRef) this.#queue.add(`${claimRef.namespace}/${claimRef.name}`)
    if (type !== 'deleted') this.#retryUnbound()
  }

  #podChanged(pod: Pod): void {
    const { claims } = this.#caches
    for (const key of byClaim.keys(pod)) if (!claims.get(key)?.spec?.volumeName) this.#queue.add(key)
  }

  #retryUnbound(): void {
    for (const claim of this.#caches.claims.list()) {
      if (claim.status?.phase !== 'Bound') this.#queue.add(objectKey(claim))
    }
  }

  async #reconcile(key: string): Promise<void> {
    const claim = this.#caches.claims.get(key)
    if (!claim || claim.metadata.deletionTimestamp) return
    const { volumeName } = claim.spec ?? {}
    if (!volumeName) return this.#seekVolume(claim)
    const volume = this.#caches.volumes.get(volumeName)
    if (volume) return isFree(volume, claim) ? this.#bind(claim, volume) : undefined
    if (claim.metadata.annotations?.[bindCompleted] !== undefined) return this.#lose(claim, 'ClaimLost')
  }

  async #seekVolume(claim: PersistentVolumeClaim): Promise<void> {
    const storageClass = this.#classes.get(claim.spec?.storageClassName ?? '')
    const delayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
    // For those the scheduler chooses: it reserves a volume, or selects a node to make one for.
    const all = this.#caches.volumes.list()
    const candidates = delayed ? all.filter((volume) => isReservedFor(volume, claim)) : all
    const volume = findVolume(claim, candidates)
    if (volume) return this.#bind(claim, volume)
    const waits = delayed && claim.metadata.annotations?.[selectedNodeAnnotation] === undefined
    return waits ? this.#sayWaiting(claim) : this.#provision(claim, storageClass)
  }

  #sayWaiting(claim: PersistentVolumeClaim): void {
    const users = this.#caches.pods.byIndex(byClaim.name, objectKey(claim)).filter(({ spec }) => !spec?.nodeName)
    if (users.length === 0) {
      const message = 'waiting for first consumer to be created before binding'
      return this.#events.event(claim, 'Normal', 'WaitForFirstConsumer', message)
    }
    const names = users.map(({ metadata }) => metadata.name).join(',')
    const message = `waiting for pod${users.length > 1 ? 's' : ''} ${names} to be scheduled`
    this.#events.event(claim, 'Normal', 'WaitForPodScheduled', message)
  }

  async #provision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): Promise<void> {
    const { storageClassName } = claim.spec ?? {}
    if (!storageClassName) {
      const message = 'no persistent volumes available for this claim and no storage class is set'
      return this.#events.event(claim, 'Normal', 'FailedBinding', message)
    }
    if (!storageClass) {
      const message = `storageclass.storage.k8s.io ${JSON.stringify(storageClassName)} not found`
      return this.#events.event(claim, 'Warning', 'ProvisioningFailed', message)
    }
    const { provisioner } = storageClass
    if (provisioner !== hostPathProvisioner || !this.#local) {
      const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
      return this.#events.event(claim, 'Normal', 'ExternalProvisioning', message)
    }
    const name = `pvc-${claim.metadata.uid}`
    const path = await this.#local.create(name)
    try {
      await this.#client.create(resources.persistentVolumes, provisionedVolume(claim, storageClass, { name, path }))
    } catch (error) {
      // Made the last time; its event brings the claim back.
      if (!isReason(error, 'AlreadyExists')) throw error
      return
    }
    this.#events.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)
  }

  async #bind(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    const reserved = await this.#reserve(claim, volume)
    if (reserved.status?.phase !== 'Bound') {
      await this.#client.updateStatus(resources.persistentVolumes, {
        ...reserved,
        status: { ...reserved.status, phase: 'Bound' },
      })
    }
    const named = await this.#nameVolume(claim, reserved)
    const { accessModes = [], capacity = {} } = reserved.spec ?? {}
    const status = { ...named.status, phase: 'Bound', accessModes, capacity }
    if (!sameJson(named.status, status))
      await this.#client.updateStatus(resources.persistentVolumeClaims, { ...named, status })
  }

  async #reserve(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolume> {
    const { namespace = '', name, uid = '', resourceVersion = '' } = claim.metadata
    const before = volume.spec?.claimRef
    if (before?.uid === uid) return volume
    const claimRef = { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion }
    // A reference that somebody made before stays when the claim goes.
    const annotations = { ...volume.metadata.annotations, ...(!before && { [boundByController]: 'yes' }) }
    return this.#client.update(resources.persistentVolumes, {
      ...volume,
      metadata: { ...volume.metadata, annotations },
      spec: { ...volume.spec, claimRef },
    })
  }

  async #nameVolume(claim: PersistentVolumeClaim, volume: PersistentVolume): Promise<PersistentVolumeClaim> {
    const { metadata, spec } = claim
    const chosen = !spec?.volumeName
    if (!chosen && metadata.annotations?.[bindCompleted] !== undefined) return claim
    const annotations = {
      ...metadata.annotations,
      [bindCompleted]: 'yes',
      ...(chosen && { [boundByController]: 'yes' }),
    }
    return this.#client.update(resources.persistentVolumeClaims, {
      ...claim,
      metadata: { ...metadata, annotations },
      spec: { ...spec, volumeName: volume.metadata.name },
    })
  }

  async #lose(claim: PersistentVolumeClaim, reason: string): Promise<void> {
    if (claim.status?.phase === 'Lost') return
    this.#events.event(
      claim,
      'Warning',
      reason,
      'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    )
    const status = { phase: 'Lost' }
    await this.#client.updateStatus(resources.persistentVolumeClaims, { ...claim, status })
  }
}

/** A volume named by the user may be somebody else's: then the claim waits. */
function isFree(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return !volume.spec?.claimRef || isReservedFor(volume, claim)
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
