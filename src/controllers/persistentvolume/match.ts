/** Which volume fulfils a claim. Pure. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/v1.ts'
import { compareQuantities } from '../../api/machinery/quantity.ts'
import { selectorMatcher } from '../shared/selector.ts'

/** The volume is the claim's, or set aside for it by name. */
export function isReservedFor(volume: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const reference = volume.spec?.claimRef
  if (reference?.namespace !== metadata.namespace || reference?.name !== metadata.name) return false
  return !reference?.uid || reference.uid === metadata.uid
}

/** The smallest that is large enough; one that was set aside for the claim before all others. */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
): PersistentVolume | undefined {
  const fitting = volumes.filter((volume) => fits(volume, claim))
  const reserved = fitting.find((volume) => isReservedFor(volume, claim))
  if (reserved) return reserved
  const free = fitting.filter(({ spec, status }) => !spec?.claimRef && status?.phase === 'Available')
  return free.sort((a, b) => compareQuantities(capacityOf(a), capacityOf(b)))[0]
}

function fits(volume: PersistentVolume, { spec = {} }: PersistentVolumeClaim): boolean {
  const { accessModes = [], storageClassName = '', volumeMode = 'Filesystem' } = volume.spec ?? {}
  const { selector, accessModes: wanted = [], resources } = spec
  return (
    !volume.metadata.deletionTimestamp &&
    storageClassName === (spec.storageClassName ?? '') &&
    volumeMode === (spec.volumeMode ?? 'Filesystem') &&
    wanted.every((mode) => accessModes.includes(mode)) &&
    (!selector || selectorMatcher(selector)(volume.metadata.labels ?? {})) &&
    compareQuantities(capacityOf(volume), resources?.requests?.['storage'] ?? '0') >= 0
  )
}

function capacityOf({ spec }: PersistentVolume): string {
  return spec?.capacity?.['storage'] ?? '0'
}
