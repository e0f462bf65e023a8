/** ReplicaSet. */
import type { ReplicaSet } from '../../generated/apps.v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const replicaSetDefinition = declareResource<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  namespaced: true,
  shortNames: ['rs'],
  categories: ['all'],
  status: {},
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
