/** StorageClass: a kind of storage, and who provides it. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { sameValue } from '../common/strategy.ts'
import { checkQualifiedName, immutableMessage } from '../common/validation.ts'
import type { StorageClass } from '../generated/storage.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { duplicate, forbidden, invalid, notSupported, Path, required } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'
import { validateParameters } from './validation.ts'

/** On a class that claims without one get. */
export const isDefaultAnnotation = 'storageclass.kubernetes.io/is-default-class'
const isDefaultBetaAnnotation = 'storageclass.beta.kubernetes.io/is-default-class'

const reclaimPolicies = ['Delete', 'Retain']
const bindingModes = ['Immediate', 'WaitForFirstConsumer']

export function isDefaultClass({ metadata }: StorageClass): boolean {
  const { annotations = {} } = metadata
  return annotations[isDefaultAnnotation] === 'true' || annotations[isDefaultBetaAnnotation] === 'true'
}

function setDefaults(storageClass: StorageClass): void {
  storageClass.reclaimPolicy ??= 'Delete'
  storageClass.volumeBindingMode ??= 'Immediate'
}

function validate(storageClass: StorageClass): FieldError[] {
  const { provisioner, reclaimPolicy, volumeBindingMode } = storageClass
  const at = Path.of('provisioner')
  return [
    ...(provisioner ? checkQualifiedName(at, provisioner.toLowerCase()) : [required(at)]),
    ...validateParameters(storageClass.parameters ?? {}),
    ...(reclaimPolicy && !reclaimPolicies.includes(reclaimPolicy)
      ? [notSupported(Path.of('reclaimPolicy'), reclaimPolicy, reclaimPolicies)]
      : []),
    ...(volumeBindingMode && !bindingModes.includes(volumeBindingMode)
      ? [notSupported(Path.of('volumeBindingMode'), volumeBindingMode, bindingModes)]
      : []),
    ...validateTopologies(storageClass),
  ]
}

function validateTopologies({ allowedTopologies = [] }: StorageClass): FieldError[] {
  return allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) => {
    const path = Path.of('allowedTopologies').index(i).child('matchLabelExpressions')
    const seen = new Set<string>()
    return matchLabelExpressions.flatMap(({ key, values }, j) => {
      const at = path.index(j)
      const errors = checkQualifiedName(at.child('key'), key)
      if (seen.has(key)) errors.push(duplicate(at.child('key'), key))
      seen.add(key)
      if (values.length === 0) errors.push(required(at.child('values')))
      values.forEach((value, k) => {
        if (values.indexOf(value) < k) errors.push(duplicate(at.child('values').index(k), value))
      })
      return errors
    })
  })
}

function validateUpdate(next: StorageClass, old: StorageClass): FieldError[] {
  const errors = validate(next)
  if (!sameValue(next.parameters ?? {}, old.parameters ?? {})) {
    errors.push(forbidden(Path.of('parameters'), 'updates to parameters are forbidden.'))
  }
  if (next.provisioner !== old.provisioner) {
    errors.push(forbidden(Path.of('provisioner'), 'updates to provisioner are forbidden.'))
  }
  for (const field of ['reclaimPolicy', 'volumeBindingMode'] as const) {
    if (next[field] !== old[field]) errors.push(invalid(Path.of(field), next[field], immutableMessage))
  }
  return errors
}

export const storageClassDefinition = declareResource<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  namespaced: false,
  shortNames: ['sc'],
  setDefaults,
  validate,
  validateUpdate,
  allowUnconditionalUpdate: true,
  columns: [
    {
      ...nameColumn,
      cell: (storageClass: StorageClass) =>
        `${storageClass.metadata.name}${isDefaultClass(storageClass) ? ' (default)' : ''}`,
    },
    { name: 'Provisioner', type: 'string', cell: ({ provisioner }) => provisioner },
    { name: 'ReclaimPolicy', type: 'string', cell: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete' },
    { name: 'VolumeBindingMode', type: 'string', cell: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate' },
    { name: 'AllowVolumeExpansion', type: 'string', cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false },
    ageColumn,
  ],
})
