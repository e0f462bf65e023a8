/** Namespace. */
import type { Namespace } from '../../generated/v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const namespaceDefinition = declareResource<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  namespaced: false,
  shortNames: ['ns'],
  status: {},
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
