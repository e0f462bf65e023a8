/** EndpointSlice. */
import type { EndpointSlice } from '../generated/discovery.k8s.io.v1.ts'
import { nameColumn } from '../common/columns.ts'
import { declareResource } from '../resource.ts'

export const endpointSliceDefinition = declareResource<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
