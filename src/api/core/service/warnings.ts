/** What is accepted but deserves a word. */
import { warnOfCidr, warnOfIp } from '../../common/warnings.ts'
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
    spec[field]?.forEach((address, i) => warnings.push(...warnOfIp(`spec.${field}[${i}]`, address)))
  }
  if (spec.loadBalancerIP) warnings.push(...warnOfIp('spec.loadBalancerIP', spec.loadBalancerIP))
  spec.loadBalancerSourceRanges?.forEach((range, i) =>
    warnings.push(...warnOfCidr(`spec.loadBalancerSourceRanges[${i}]`, range)),
  )
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
