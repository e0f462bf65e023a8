/** ConfigMap: settings as keys and values. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import type { ConfigMap } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path, tooLong } from '../../machinery/field.ts'
import { declareResource } from '../../resource.ts'
import { dataMaxBytes, validateImmutable, validateKeys } from '../keyed-data.ts'

function validate({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors = [...validateKeys(data, 'data'), ...validateKeys(binaryData, 'binaryData')]
  for (const key of Object.keys(data)) {
    if (Object.hasOwn(binaryData, key))
      errors.push(invalid(Path.of('data').key(key), key, 'duplicate of key present in binaryData'))
  }
  let size = 0
  for (const value of Object.values(data)) size += Buffer.byteLength(value)
  for (const value of Object.values(binaryData)) size += Buffer.byteLength(value, 'base64')
  if (size > dataMaxBytes) errors.push(tooLong(Path.root.key(''), dataMaxBytes))
  return errors
}

function keyCount({ data = {}, binaryData = {} }: ConfigMap): number {
  return Object.keys(data).length + Object.keys(binaryData).length
}

export const configMapDefinition = declareResource<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  namespaced: true,
  shortNames: ['cm'],
  validate,
  validateUpdate: (next, old) => [...validateImmutable(next, old, ['data', 'binaryData']), ...validate(next)],
  allowUnconditionalUpdate: true,
  columns: [nameColumn, { name: 'Data', type: 'string', cell: keyCount }, ageColumn],
})
