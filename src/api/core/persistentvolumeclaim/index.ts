/** PersistentVolumeClaim: a wish for storage, and the volume that fulfils it. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import { keepSpec, keepStatus } from '../../common/strategy.ts'
import type { PersistentVolumeClaim } from '../../generated/v1.ts'
import { declareResource } from '../../resource.ts'
import { accessModesText } from '../access-modes.ts'
import { validateClaim, validateClaimUpdate } from './validation.ts'

const unset = '<unset>'

function setDefaults(claim: PersistentVolumeClaim): void {
  const spec = (claim.spec ??= {})
  spec.volumeMode ??= 'Filesystem'
  spec.resources ??= {}
  claim.status ??= {}
  claim.status.phase ||= 'Pending'
}

export const persistentVolumeClaimDefinition = declareResource<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  namespaced: true,
  shortNames: ['pvc'],
  setDefaults,
  prepareForCreate: (claim) => {
    claim.status = { phase: 'Pending' }
  },
  validate: validateClaim,
  prepareForUpdate: keepStatus,
  validateUpdate: validateClaimUpdate,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec },
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    },
    { name: 'Volume', type: 'string', cell: ({ spec }) => spec?.volumeName ?? '' },
    {
      name: 'Capacity',
      type: 'string',
      cell: ({ spec, status }) => (spec?.volumeName ? (status?.capacity?.['storage'] ?? '0') : ''),
    },
    {
      name: 'Access Modes',
      type: 'string',
      cell: ({ spec, status }) => (spec?.volumeName ? accessModesText(status?.accessModes) : ''),
    },
    { name: 'StorageClass', type: 'string', cell: ({ spec }) => spec?.storageClassName ?? '' },
    { name: 'VolumeAttributesClass', type: 'string', cell: ({ spec }) => spec?.volumeAttributesClassName ?? unset },
    ageColumn,
    { name: 'VolumeMode', type: 'string', priority: 1, cell: ({ spec }) => spec?.volumeMode ?? unset },
  ],
})
