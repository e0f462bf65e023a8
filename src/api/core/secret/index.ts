/** Secret. */
import type { Secret } from '../../generated/v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const secretDefinition = declareResource<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
