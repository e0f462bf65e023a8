/** CSIStorageCapacity: how much storage of a class there is where. */
import { nameColumn } from '../common/columns.ts'
import { validateLabelSelector } from '../common/selector-validation.ts'
import { sameValue } from '../common/strategy.ts'
import { checkSubdomain, immutableMessage, negativeMessage } from '../common/validation.ts'
import type { CSIStorageCapacity } from '../generated/storage.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path } from '../machinery/field.ts'
import { compareQuantities } from '../machinery/quantity.ts'
import { declareResource } from '../resource.ts'

function setDefaults(capacity: CSIStorageCapacity): void {
  capacity.storageClassName ??= ''
}

function validate({ capacity, nodeTopology, storageClassName }: CSIStorageCapacity): FieldError[] {
  return [
    ...validateLabelSelector(nodeTopology, Path.of('nodeTopology')),
    ...checkSubdomain(Path.of('storageClassName'), storageClassName),
    ...(capacity !== undefined && compareQuantities(capacity, '0') < 0
      ? [invalid(Path.of('capacity'), capacity, negativeMessage)]
      : []),
  ]
}

function validateUpdate(next: CSIStorageCapacity, old: CSIStorageCapacity): FieldError[] {
  return (['nodeTopology', 'storageClassName'] as const)
    .filter((field) => !sameValue(next[field], old[field]))
    .map((field) => invalid(Path.of(field), next[field], immutableMessage))
}

export const csiStorageCapacityDefinition = declareResource<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  namespaced: true,
  setDefaults,
  validate,
  validateUpdate,
  allowUnconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'StorageClassName', type: 'string', cell: ({ storageClassName }) => storageClassName },
    { name: 'Capacity', type: 'string', cell: ({ capacity }) => capacity ?? '<unset>' },
  ],
})
