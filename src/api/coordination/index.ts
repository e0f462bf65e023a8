/** The group coordination.k8s.io, v1: Leases. Knows nothing of other groups' behaviour, of the store or of the server. */
import type { ResourceDefinition } from '../resource.ts'
import { leaseDefinition } from './lease.ts'

export const coordinationDefinitions: readonly ResourceDefinition[] = [leaseDefinition]
