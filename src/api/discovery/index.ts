/** The group discovery.k8s.io, v1: EndpointSlices. Knows nothing of other groups' behaviour, of the store or of the server. */
import type { ResourceDefinition } from '../resource.ts'
import { endpointSliceDefinition } from './endpointslice.ts'

export const discoveryDefinitions: readonly ResourceDefinition[] = [endpointSliceDefinition]
