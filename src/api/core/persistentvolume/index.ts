/** PersistentVolume: storage that outlives pods. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import { keepSpec, keepStatus } from '../../common/strategy.ts'
import type { PersistentVolume } from '../../generated/v1.ts'
import { declareResource } from '../../resource.ts'
import { accessModesText } from '../access-modes.ts'
import { validatePersistentVolume, validatePersistentVolumeUpdate } from './validation.ts'

const unset = '<unset>'

function setDefaults(volume: PersistentVolume): void {
  const spec = (volume.spec ??= {})
  spec.persistentVolumeReclaimPolicy ||= 'Retain'
  spec.volumeMode ??= 'Filesystem'
  if (spec.hostPath) spec.hostPath.type ??= ''
  volume.status ??= {}
  volume.status.phase ||= 'Pending'
}

function claimText({ spec }: PersistentVolume): string {
  return spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : ''
}

export const persistentVolumeDefinition = declareResource<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  namespaced: false,
  shortNames: ['pv'],
  setDefaults,
  prepareForCreate: (volume, { now }) => {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: now }
  },
  validate: validatePersistentVolume,
  prepareForUpdate: keepStatus,
  validateUpdate: validatePersistentVolumeUpdate,
  allowUnconditionalUpdate: true,
  status: {
    prepareForUpdate: (next, old, { now }) => {
      keepSpec(next, old)
      if (next.status && next.status.phase !== old.status?.phase) next.status.lastPhaseTransitionTime = now
    },
  },
  columns: [
    nameColumn,
    { name: 'Capacity', type: 'string', cell: ({ spec }) => spec?.capacity?.['storage'] ?? '0' },
    { name: 'Access Modes', type: 'string', cell: ({ spec }) => accessModesText(spec?.accessModes) },
    { name: 'Reclaim Policy', type: 'string', cell: ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? '' },
    {
      name: 'Status',
      type: 'string',
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    },
    { name: 'Claim', type: 'string', cell: claimText },
    { name: 'StorageClass', type: 'string', cell: ({ spec }) => spec?.storageClassName ?? '' },
    { name: 'VolumeAttributesClass', type: 'string', cell: ({ spec }) => spec?.volumeAttributesClassName ?? unset },
    { name: 'Reason', type: 'string', cell: ({ status }) => status?.reason ?? '' },
    ageColumn,
    { name: 'VolumeMode', type: 'string', priority: 1, cell: ({ spec }) => spec?.volumeMode ?? unset },
  ],
})
