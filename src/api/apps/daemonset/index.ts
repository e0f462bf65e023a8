/** DaemonSet. */
import type { DaemonSet } from '../../generated/apps.v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const daemonSetDefinition = declareResource<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  namespaced: true,
  shortNames: ['ds'],
  categories: ['all'],
  status: {},
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
