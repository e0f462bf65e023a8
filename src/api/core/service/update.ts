/** What a change of a Service may not do. */

import { parseIp } from '../../../lib/ip.ts'
import { checkIp, immutableMessage } from '../../common/validation.ts'
import type { Service } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { isDNS1123Subdomain } from '../../machinery/validate.ts'
import type { RequestContext } from '../../resource.ts'
import { initFamilies } from './families.ts'
import { isHeadless, needsHealthCheckNodePort, serviceType, specOf } from './kind.ts'
import { validateService } from './validation.ts'

const path = Path.of('spec')
const mayNotChange = 'may not change once set'

export function validateServiceUpdate(next: Service, old: Service, { settings }: RequestContext): FieldError[] {
  // Upstream allocates before it validates: see validateNewService.
  const early = initFamilies({ ...next }, old, settings)
  if (early.length > 0) return early
  return [
    ...validateClusterIPsUpdate(next, old),
    ...validateFamiliesUpdate(next, old),
    ...validateLoadBalancerClassUpdate(next, old),
    ...validateHealthCheckNodePortUpdate(next, old),
    ...validateService(next, old),
  ]
}

function involvesExternalName(next: Service, old: Service): boolean {
  return serviceType(next) === 'ExternalName' || serviceType(old) === 'ExternalName'
}

/** The primary address stays; a secondary one may come, and go with `ipFamilyPolicy: SingleStack`. */
function validateClusterIPsUpdate(next: Service, old: Service): FieldError[] {
  if (involvesExternalName(next, old) || (isHeadless(next) && isHeadless(old))) return []
  const after = specOf(next).clusterIPs ?? []
  const before = specOf(old).clusterIPs ?? []
  const value = specOf(next).clusterIPs
  const at = (i: number) => path.child('clusterIPs').index(i)
  if (before.length === after.length) {
    return before.flatMap((ip, i) => (ip === after[i] ? [] : [invalid(at(i), value, mayNotChange)]))
  }
  const errors: FieldError[] = []
  if (before.length > after.length && after.length === 0) {
    errors.push(invalid(at(0), value, 'primary clusterIP can not be unset'))
  }
  if (before.length > 0 && after.length > 0 && before[0] !== after[0]) errors.push(invalid(at(0), value, mayNotChange))
  if (before.length > after.length && after.length === 1) errors.push(...releasedSecondary(next, 'clusterIP'))
  return errors
}

function validateFamiliesUpdate(next: Service, old: Service): FieldError[] {
  if (involvesExternalName(next, old) || isHeadless(next) || isHeadless(old)) return []
  const after = specOf(next).ipFamilies ?? []
  const before = specOf(old).ipFamilies ?? []
  const at = path.child('ipFamilies').index(0)
  if (before.length === after.length) {
    return before.flatMap((family, i) => (family === after[i] ? [] : [invalid(at, after, mayNotChange)]))
  }
  const errors: FieldError[] = []
  if (before.length > 0 && after.length > 0 && before[0] !== after[0]) {
    errors.push(invalid(at, specOf(next).clusterIPs, mayNotChange))
  }
  if (before.length > after.length && after.length === 1) errors.push(...releasedSecondary(next, 'ipFamily'))
  return errors
}

function releasedSecondary(next: Service, what: string): FieldError[] {
  const policy = specOf(next).ipFamilyPolicy
  if (policy === 'SingleStack') return []
  const why = `must be set to 'SingleStack' when releasing the secondary ${what}`
  return [invalid(path.child('ipFamilyPolicy'), policy, why)]
}

function validateLoadBalancerClassUpdate(next: Service, old: Service): FieldError[] {
  if (serviceType(next) !== 'LoadBalancer' || serviceType(old) !== 'LoadBalancer') return []
  const { loadBalancerClass } = specOf(next)
  if (loadBalancerClass === specOf(old).loadBalancerClass) return []
  return [invalid(path.child('loadBalancerClass'), loadBalancerClass, mayNotChange)]
}

function validateHealthCheckNodePortUpdate(next: Service, old: Service): FieldError[] {
  if (!needsHealthCheckNodePort(next) || !needsHealthCheckNodePort(old)) return []
  if (specOf(next).healthCheckNodePort === specOf(old).healthCheckNodePort) return []
  return [forbidden(path.child('healthCheckNodePort'), immutableMessage)]
}

const ipModes = ['Proxy', 'VIP']

export function validateServiceStatusUpdate(next: Service): FieldError[] {
  const at = Path.of('status', 'loadBalancer', 'ingress')
  const ingress = next.status?.loadBalancer?.ingress ?? []
  if (ingress.length > 0 && serviceType(next) !== 'LoadBalancer') {
    return [forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")]
  }
  return ingress.flatMap((entry, i) => {
    const errors: FieldError[] = []
    const modePath = at.index(i).child('ipMode')
    if (entry.ip) errors.push(...checkIp(at.index(i).child('ip'), entry.ip))
    if (entry.ipMode === undefined) {
      if (entry.ip) errors.push(required(modePath, 'must be specified when `ip` is set'))
    } else if (!entry.ip) errors.push(forbidden(modePath, 'may not be specified when `ip` is not set'))
    else if (!ipModes.includes(entry.ipMode)) errors.push(notSupported(modePath, entry.ipMode, ipModes))
    if (entry.hostname) errors.push(...validateHostname(at.index(i).child('hostname'), entry.hostname))
    return errors
  })
}

function validateHostname(at: Path, hostname: string): FieldError[] {
  const errors = isDNS1123Subdomain(hostname).map((message) => invalid(at, hostname, message))
  if (parseIp(hostname)) errors.push(invalid(at, hostname, 'must be a DNS name, not an IP address'))
  return errors
}
