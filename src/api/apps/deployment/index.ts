/** Deployment. */
import type { Deployment } from '../../generated/apps.v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const deploymentDefinition = declareResource<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  namespaced: true,
  shortNames: ['deploy'],
  categories: ['all'],
  status: {},
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
