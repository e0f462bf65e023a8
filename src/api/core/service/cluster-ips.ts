/** The linked fields clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy: what must hold between them. */
import { parseIp } from '../../../lib/ip.ts'
import { checkIp } from '../../common/validation.ts'
import type { Service, ServiceSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { duplicate, invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { isHeadless, serviceType, specOf } from './kind.ts'

const ipFamilies = ['IPv4', 'IPv6']
const ipFamilyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']

const path = Path.of('spec')
const clusterIPsPath = path.child('clusterIPs')
const familiesPath = path.child('ipFamilies')

export function validateClusterIPs(service: Service): FieldError[] {
  if (serviceType(service) === 'ExternalName') return []
  const spec = specOf(service)
  const errors = [...validateLinked(spec), ...validateFamilies(spec)]
  const addressErrors = validateAddresses(spec)
  errors.push(...addressErrors)
  if ((spec.clusterIPs?.length ?? 0) > 2) {
    errors.push(invalid(clusterIPsPath, spec.clusterIPs, 'may only hold up to 2 values'))
  }
  if (addressErrors.length > 0) return errors
  return [...errors, ...validateOnePerFamily(spec), ...validateAddressFamilies(service)]
}

function validateLinked({ clusterIP, clusterIPs }: ServiceSpec): FieldError[] {
  if (clusterIP) {
    if (!clusterIPs?.length) return [required(clusterIPsPath)]
    return clusterIPs[0] === clusterIP
      ? []
      : [invalid(clusterIPsPath, clusterIPs, 'first value must match `clusterIP`')]
  }
  return clusterIPs?.length
    ? [invalid(clusterIPsPath, clusterIPs, 'must be empty when `clusterIP` is not specified')]
    : []
}

function validateFamilies(spec: ServiceSpec): FieldError[] {
  const seen = new Set<string>()
  const errors = (spec.ipFamilies ?? []).flatMap((family, i) => {
    const at = familiesPath.index(i)
    const problems = ipFamilies.includes(family) ? [] : [notSupported(at, family, ipFamilies)]
    if (seen.has(family)) problems.push(duplicate(at, family))
    seen.add(family)
    return problems
  })
  if (spec.ipFamilyPolicy !== undefined && !ipFamilyPolicies.includes(spec.ipFamilyPolicy)) {
    errors.push(notSupported(path.child('ipFamilyPolicy'), spec.ipFamilyPolicy, ipFamilyPolicies))
  }
  return errors
}

function validateAddresses(spec: ServiceSpec): FieldError[] {
  const addresses = spec.clusterIPs ?? []
  return addresses.flatMap((address, i) => {
    if (i > 0 || address !== 'None') return checkIp(clusterIPsPath.index(i), address)
    return addresses.length > 1 ? [invalid(clusterIPsPath, addresses, "'None' must be the first and only value")] : []
  })
}

function validateOnePerFamily(spec: ServiceSpec): FieldError[] {
  const addresses = spec.clusterIPs ?? []
  const families = new Set(addresses.map(familyOf))
  return addresses.length > 1 && families.size < 2
    ? [invalid(clusterIPsPath, addresses, 'may specify no more than one IP for each IP family')]
    : []
}

function validateAddressFamilies(service: Service): FieldError[] {
  if (isHeadless(service)) return []
  const families = specOf(service).ipFamilies ?? []
  return (specOf(service).clusterIPs ?? []).flatMap((address, i) => {
    const family = families[i]
    if (family === undefined || !ipFamilies.includes(family) || family === familyOf(address)) return []
    const why = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``
    return [invalid(clusterIPsPath.index(i), address, why)]
  })
}

function familyOf(address: string): string {
  return parseIp(address)?.family === 6 ? 'IPv6' : 'IPv4'
}
