/**
 * The group networking.k8s.io, v1: where cluster IPs come from (ServiceCIDR) and who holds which (IPAddress), how
 * requests come in (Ingress, IngressClass) and which are let through (NetworkPolicy). Knows nothing of other groups'
 * behaviour, of the store or of the server.
 */
import type { ResourceDefinition } from '../resource.ts'
import { ingressDefinition } from './ingress/index.ts'
import { ingressClassDefinition } from './ingressclass.ts'
import { ipAddressDefinition } from './ipaddress.ts'
import { networkPolicyDefinition } from './networkpolicy/index.ts'
import { serviceCidrDefinition } from './servicecidr.ts'

export const networkingDefinitions: readonly ResourceDefinition[] = [
  ingressClassDefinition,
  ingressDefinition,
  ipAddressDefinition,
  networkPolicyDefinition,
  serviceCidrDefinition,
]
