/** What a ServiceCIDR may become, from all ServiceCIDRs and the addresses in use. Pure. */

import type { Condition } from '../../api/generated/meta.v1.ts'
import type { IPAddress, ServiceCIDR } from '../../api/generated/networking.k8s.io.v1.ts'
import { managedByLabel, serviceIpAllocator } from '../../api/networking/ipaddress.ts'
import { cidrsOf } from '../../api/networking/servicecidr.ts'
import { type Cidr, cidrRange, contains, type Ip, parseCidr, parseIp } from '../../lib/ip.ts'

/** The reason of upstream's condition on a ServiceCIDR that cannot go yet. */
const terminatingReason = 'Terminating'
const inUse = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'

export const readyCondition = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }
export const inUseCondition = { type: 'Ready', status: 'False', reason: terminatingReason, message: inUse }

/** The conditions with `next` among them; its time is that of the last change of its status. */
export function withCondition(
  conditions: readonly Condition[] = [],
  next: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): Condition[] {
  const old = conditions.find(({ type }) => type === next.type)
  const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : now
  return [...conditions.filter((condition) => condition !== old), { ...next, lastTransitionTime }]
}

/** Names of the ServiceCIDRs that contain the address. */
export function containing(address: string, all: readonly ServiceCIDR[]): string[] {
  const ip = parseIp(address)
  if (!ip) return []
  return all.filter((cidr) => blocks(cidr).some((block) => isUsable(block, ip))).map(({ metadata }) => metadata.name)
}

/** Names of the ServiceCIDRs that share addresses with this one, itself among them. */
export function overlapping(serviceCidr: ServiceCIDR, all: readonly ServiceCIDR[]): string[] {
  const own = blocks(serviceCidr)
  return all
    .filter((other) => blocks(other).some((block) => own.some((one) => covers(one, block) || covers(block, one))))
    .map(({ metadata }) => metadata.name)
}

/** Nothing would be left without a ServiceCIDR: others contain it, or no address of a Service depends on it alone. */
export function canDelete(
  serviceCidr: ServiceCIDR,
  all: readonly ServiceCIDR[],
  addresses: readonly IPAddress[],
): boolean {
  const { name } = serviceCidr.metadata
  const others = all.filter(({ metadata }) => metadata.name !== name)
  const own = blocks(serviceCidr)
  if (own.every((block) => others.some((other) => blocks(other).some((one) => covers(one, block))))) return true
  return !addresses.some((address) => {
    if (address.metadata.labels?.[managedByLabel] !== serviceIpAllocator) return false
    const owners = containing(address.metadata.name, all)
    return owners.length === 1 && owners[0] === name
  })
}

function blocks(serviceCidr: ServiceCIDR): Cidr[] {
  return cidrsOf(serviceCidr).flatMap((text) => parseCidr(text) ?? [])
}

function covers(outer: Cidr, inner: Cidr): boolean {
  const { first, last } = cidrRange(inner)
  return contains(outer, first) && contains(outer, last)
}

/** Network addresses, and broadcast addresses of IPv4, are no Service's. */
function isUsable(block: Cidr, ip: Ip): boolean {
  const { first, last } = cidrRange(block)
  if (!contains(block, ip)) return false
  return ip.value !== first.value && !(ip.family === 4 && ip.value === last.value)
}
