/**
 * The group networking.k8s.io, v1: where cluster IPs come from (ServiceCIDR) and who holds which (IPAddress). Knows
 * nothing of other groups' behaviour, of the store or of the server.
 */
import type { ResourceDefinition } from '../resource.ts'
import { ipAddressDefinition } from './ipaddress.ts'
import { serviceCidrDefinition } from './servicecidr.ts'

export const networkingDefinitions: readonly ResourceDefinition[] = [ipAddressDefinition, serviceCidrDefinition]
