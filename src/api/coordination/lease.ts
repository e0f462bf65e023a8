/** Lease. */
import type { Lease } from '../generated/coordination.k8s.io.v1.ts'
import { nameColumn } from '../common/columns.ts'
import { declareResource } from '../resource.ts'

export const leaseDefinition = declareResource<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  allowUnconditionalUpdate: true,
  columns: [nameColumn],
})
