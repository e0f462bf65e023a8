/** Service. */
import type { Service } from '../../generated/v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const serviceDefinition = declareResource<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  namespaced: true,
  shortNames: ['svc'],
  categories: ['all'],
  status: {},
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
