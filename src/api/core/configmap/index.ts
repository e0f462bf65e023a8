/** ConfigMap. */
import type { ConfigMap } from '../../generated/v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const configMapDefinition = declareResource<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  namespaced: true,
  shortNames: ['cm'],
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
