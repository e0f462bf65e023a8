/** Node. */
import type { Node } from '../../generated/v1.ts'
import { nameColumn } from '../../common/columns.ts'
import { declareResource } from '../../resource.ts'

export const nodeDefinition = declareResource<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  namespaced: false,
  shortNames: ['no'],
  status: {},
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
