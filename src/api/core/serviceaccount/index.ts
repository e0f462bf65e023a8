/** ServiceAccount. */
import type { ServiceAccount } from '../../generated/v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const serviceAccountDefinition = declareResource<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  namespaced: true,
  shortNames: ['sa'],
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
