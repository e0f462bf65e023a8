/** What is accepted but deserves a word. */
import { canonical, parseIp } from '../../../lib/ip.ts'
import type { Service } from '../../generated/v1.ts'
import { isHeadless, serviceType, specOf } from './kind.ts'

const topologyHintsAnnotation = 'service.kubernetes.io/topology-aware-hints'

export function serviceWarnings(service: Service): string[] {
  if (service.metadata.deletionTimestamp) return []
  const spec = specOf(service)
  const warnings: string[] = []
  if (service.metadata.annotations?.[topologyHintsAnnotation] !== undefined) {
    warnings.push(
      `annotation ${topologyHintsAnnotation} is deprecated, please use service.kubernetes.io/topology-mode instead`,
    )
  }
  if (isHeadless(service)) {
    if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services')
    if (spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity && spec.sessionAffinity !== 'None') {
      warnings.push('spec.SessionAffinity is ignored for headless services')
    }
  }
  for (const field of ['clusterIPs', 'externalIPs'] as const) {
    spec[field]?.forEach((address, i) => warnings.push(...spellingWarning(`spec.${field}[${i}]`, address)))
  }
  if (spec.loadBalancerIP) warnings.push(...spellingWarning('spec.loadBalancerIP', spec.loadBalancerIP))
  return [...warnings, ...fieldWarnings(service)]
}

/** Fields the type does not use, and fields that are on their way out. */
function fieldWarnings(service: Service): string[] {
  const { externalIPs, externalName, trafficDistribution } = specOf(service)
  const isExternalName = serviceType(service) === 'ExternalName'
  const warnings: string[] = []
  if (externalIPs?.length) {
    // KEP-5707.
    warnings.push('spec.externalIPs is deprecated')
    if (isExternalName) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  }
  if (externalName && !isExternalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  }
  if (trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  }
  return warnings
}

function spellingWarning(field: string, address: string): string[] {
  const canonicalText = canonical(address)
  if (parseIp(address)?.family !== 6 || canonicalText === address) return []
  return [`${field}: IPv6 address "${address}" should be in RFC 5952 canonical format ("${canonicalText}")`]
}
