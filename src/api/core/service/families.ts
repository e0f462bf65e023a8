/** IP families of a Service: which a Service gets, and which a cluster has. */
import { parseCidr, parseIp } from '../../../lib/ip.ts'
import type { Service, ServiceSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path } from '../../machinery/field.ts'
import type { ClusterSettings } from '../../resource.ts'
import { isHeadless, needsClusterIP, specOf } from './kind.ts'

type IpFamily = 'IPv4' | 'IPv6'

/** Families of the cluster's service ranges, primary first. */
function clusterFamilies(settings: ClusterSettings): IpFamily[] {
  return settings.serviceCidrs.map((cidr) => (parseCidr(cidr)?.ip.family === 6 ? 'IPv6' : 'IPv4'))
}

export function familyOf(address: string): IpFamily | undefined {
  const ip = parseIp(address)
  return ip && (ip.family === 6 ? 'IPv6' : 'IPv4')
}

/** Fills in `ipFamilyPolicy` and `ipFamilies` from the addresses asked for and from what the cluster has. */
export function defaultFamilies(service: Service, settings: ClusterSettings): void {
  if (!needsClusterIP(service)) return
  const spec = specOf(service)
  const available = clusterFamilies(settings)
  const families = (spec.ipFamilies ?? familiesOfAddresses(spec)).slice()
  if (families.length === 0 && available[0]) families.push(available[0])
  if (isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0) {
    // Nobody but the user knows the endpoints, so both families are possible whatever the cluster has.
    spec.ipFamilyPolicy ??= 'RequireDualStack'
    if (spec.ipFamilyPolicy !== 'SingleStack') addOtherFamily(families)
  } else {
    spec.ipFamilyPolicy ??= families.length > 1 ? 'RequireDualStack' : 'SingleStack'
    if (spec.ipFamilyPolicy !== 'SingleStack' && available.length > 1) addOtherFamily(families)
  }
  spec.ipFamilies = families
}

function familiesOfAddresses(spec: ServiceSpec): string[] {
  return (spec.clusterIPs ?? []).map(familyOf).filter((family) => family !== undefined)
}

function addOtherFamily(families: string[]): void {
  if (families.length === 1) families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4')
}

/** Refuses families that the cluster has no service range for. */
export function validateFamiliesAvailable(service: Service, settings: ClusterSettings): FieldError[] {
  const spec = specOf(service)
  if (!needsClusterIP(service)) return []
  if (isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0) return []
  const available = clusterFamilies(settings)
  const path = Path.of('spec')
  if (spec.ipFamilyPolicy === 'RequireDualStack' && available.length < 2) {
    return [
      invalid(
        path.child('ipFamilyPolicy'),
        spec.ipFamilyPolicy,
        'this cluster is not configured for dual-stack services',
      ),
    ]
  }
  return (spec.ipFamilies ?? []).flatMap((family, i) =>
    (family === 'IPv4' || family === 'IPv6') && !available.includes(family)
      ? [invalid(path.child('ipFamilies').index(i), family, 'not configured on this cluster')]
      : [],
  )
}
