/**
 * IP families of a Service: which it gets, and which a cluster has (upstream's Allocators.initIPFamilyFields). A
 * Service changes between one and two families only when it is told to, never because the cluster changed.
 */
import { parseCidr, parseIp } from '../../../lib/ip.ts'
import { sameValue } from '../../common/strategy.ts'
import type { Service, ServiceSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path } from '../../machinery/field.ts'
import type { ClusterSettings } from '../../resource.ts'
import { validateClusterIPs } from './cluster-ips.ts'
import { serviceType, specOf } from './kind.ts'

export type IpFamily = 'IPv4' | 'IPv6'

const path = Path.of('spec')
const policyPath = path.child('ipFamilyPolicy')
const familiesPath = path.child('ipFamilies')
const severalAllowed = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"

/** Families of the cluster's service ranges, primary first. */
function clusterFamilies(settings: Pick<ClusterSettings, 'serviceCidrs'>): IpFamily[] {
  return settings.serviceCidrs.map((cidr) => (parseCidr(cidr)?.ip.family === 6 ? 'IPv6' : 'IPv4'))
}

function familyOf(address: string): IpFamily | undefined {
  const ip = parseIp(address)
  return ip && (ip.family === 6 ? 'IPv6' : 'IPv4')
}

/**
 * Fills in `ipFamilyPolicy` and `ipFamilies` of a Service that is about to be written over `old`, and lets go of the
 * secondary address where the policy says so. Returns why it cannot be done; the Service is then as it was. Doing it
 * twice is doing it once.
 */
export function initFamilies(service: Service, old: Service | undefined, settings: ClusterSettings): FieldError[] {
  if (serviceType(service) === 'ExternalName' || isSettledPreferDualStack(service, old)) return []
  const spec = { ...specOf(service) }
  const errors = fillIn({ ...service, spec }, old, clusterFamilies(settings))
  if (errors.length === 0) service.spec = spec
  return errors
}

function fillIn(service: Service, old: Service | undefined, available: readonly IpFamily[]): FieldError[] {
  const spec = specOf(service)
  spec.ipFamilyPolicy ??= defaultPolicy(spec, old)
  const linked = validateClusterIPs(service)
  if (linked.length > 0) return linked
  const errors = old ? release(spec, specOf(old)) : []
  errors.push(...checkPolicy(spec), ...inferFamilies(spec, available))
  if (errors.length > 0) return errors
  if (spec.clusterIP === 'None' && !hasSelector(spec)) {
    // Only the user knows the endpoints: both families are possible whatever the cluster has.
    completeFamilies(spec, available, ['IPv4', 'IPv6'])
    return []
  }
  const refused = checkAvailable(spec, available)
  if (refused.length === 0) completeFamilies(spec, available, available)
  return refused
}

/** PreferDualStack that asks for no change stays as it is, also when the cluster has gained or lost a family. */
function isSettledPreferDualStack(service: Service, old: Service | undefined): boolean {
  if (!old || serviceType(service) !== serviceType(old)) return false
  const spec = specOf(service)
  const before = specOf(old)
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    (before.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    sameValue(spec.clusterIPs, before.clusterIPs) &&
    sameValue(spec.ipFamilies, before.ipFamilies)
  )
}

function defaultPolicy(spec: ServiceSpec, old: Service | undefined): string {
  const before = old && specOf(old).ipFamilyPolicy
  if (before) return before
  return spec.clusterIP === 'None' && !hasSelector(spec) ? 'RequireDualStack' : 'SingleStack'
}

function hasSelector({ selector }: ServiceSpec): boolean {
  return Object.keys(selector ?? {}).length > 0
}

/** From two families to one: the policy says it, and then the secondary address and family need not be named. */
function release(spec: ServiceSpec, before: ServiceSpec): FieldError[] {
  const { ipFamilyPolicy } = spec
  if (ipFamilyPolicy === 'SingleStack') {
    if (spec.clusterIPs && sameValue(spec.clusterIPs, before.clusterIPs)) spec.clusterIPs = spec.clusterIPs.slice(0, 1)
    if (spec.ipFamilies && sameValue(spec.ipFamilies, before.ipFamilies)) spec.ipFamilies = spec.ipFamilies.slice(0, 1)
    return []
  }
  const reduced = (next: string[] = [], old: string[] = []) => next.length > 0 && next.length < old.length
  const why = (what: string) =>
    invalid(policyPath, ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`)
  return [
    ...(reduced(spec.clusterIPs, before.clusterIPs) ? [why('cluster IP')] : []),
    ...(reduced(spec.ipFamilies, before.ipFamilies) ? [why('IP family')] : []),
  ]
}

function checkPolicy({ ipFamilyPolicy, clusterIPs, ipFamilies }: ServiceSpec): FieldError[] {
  if (ipFamilyPolicy !== 'SingleStack') return []
  const why = (what: string) => invalid(policyPath, ipFamilyPolicy, `${severalAllowed} ${what} are specified`)
  return [
    ...(clusterIPs?.length === 2 ? [why('cluster IPs')] : []),
    ...(ipFamilies?.length === 2 ? [why('IP families')] : []),
  ]
}

/** An address says its family. */
function inferFamilies(spec: ServiceSpec, available: readonly IpFamily[]): FieldError[] {
  const addresses = spec.clusterIPs ?? []
  const families = [...(spec.ipFamilies ?? [])]
  const errors: FieldError[] = []
  for (const [i, address] of addresses.entries()) {
    const family = familyOf(address)
    if (!family) break
    if (i < families.length) continue
    if (available.includes(family)) families.push(family)
    else
      errors.push(invalid(path.child('clusterIPs').index(i), addresses, `${family} is not configured on this cluster`))
  }
  if (families.length > 0) spec.ipFamilies = families
  return errors
}

function checkAvailable({ ipFamilyPolicy, ipFamilies = [] }: ServiceSpec, available: readonly string[]): FieldError[] {
  const errors: FieldError[] = []
  if (ipFamilyPolicy === 'RequireDualStack' && available.length < 2) {
    errors.push(invalid(policyPath, ipFamilyPolicy, 'this cluster is not configured for dual-stack services'))
  }
  ipFamilies.forEach((family, i) => {
    if (!available.includes(family)) {
      errors.push(invalid(familiesPath.index(i), family, 'not configured on this cluster'))
    }
  })
  return errors
}

/** `possible`: the families a Service of this kind can have. */
function completeFamilies(spec: ServiceSpec, available: readonly IpFamily[], possible: readonly IpFamily[]): void {
  const families = spec.ipFamilies?.length ? spec.ipFamilies : available.slice(0, 1)
  const other = possible.find((family) => !families.includes(family))
  spec.ipFamilies =
    spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1 && other ? [...families, other] : families
}
