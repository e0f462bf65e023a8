/** VolumeAttributesClass: attributes that a driver can give volumes, also when they exist already. KEP-3751 */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { sameValue } from '../common/strategy.ts'
import { checkQualifiedName } from '../common/validation.ts'
import type { VolumeAttributesClass } from '../generated/storage.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { forbidden, Path, required } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'
import { validateParameters } from './validation.ts'

function validate({ driverName, parameters = {} }: VolumeAttributesClass): FieldError[] {
  const at = Path.of('driverName')
  return [
    ...(driverName ? checkQualifiedName(at, driverName.toLowerCase()) : [required(at)]),
    ...validateParameters(parameters),
    ...(Object.keys(parameters).length > 0
      ? []
      : [required(Path.of('parameters'), 'must contain at least one key/value pair')]),
  ]
}

function validateUpdate(next: VolumeAttributesClass, old: VolumeAttributesClass): FieldError[] {
  const changed = (['driverName', 'parameters'] as const).filter((field) => !sameValue(next[field], old[field]))
  return [...changed.map((field) => forbidden(Path.of(field), `updates to ${field} are forbidden.`)), ...validate(next)]
}

export const volumeAttributesClassDefinition = declareResource<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  singular: 'volumeattributesclass',
  namespaced: false,
  shortNames: ['vac'],
  validate,
  validateUpdate,
  allowUnconditionalUpdate: true,
  columns: [nameColumn, { name: 'DriverName', type: 'string', cell: ({ driverName }) => driverName }, ageColumn],
})
