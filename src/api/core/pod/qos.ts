/** Quality of service: what a pod asks for, in one word. Decided at creation, never changed. */
import type { Pod, ResourceRequirements } from '../../generated/v1.ts'
import { compareQuantities } from '../../machinery/quantity.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const counted = ['cpu', 'memory'] as const

export function qosClass(pod: Pod): QosClass {
  const spec = pod.spec
  const all = spec?.resources ? [spec.resources] : [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  const requirements = all.map((holder): ResourceRequirements => ('name' in holder ? (holder.resources ?? {}) : holder))
  if (requirements.every((r) => amounts(r.requests).length === 0 && amounts(r.limits).length === 0)) return 'BestEffort'
  return requirements.every(isGuaranteed) ? 'Guaranteed' : 'Burstable'
}

function amounts(list: Readonly<Record<string, string>> | undefined): string[] {
  return counted.filter((name) => list?.[name] !== undefined && compareQuantities(list[name], '0') > 0)
}

function isGuaranteed({ requests, limits }: ResourceRequirements): boolean {
  return counted.every((name) => {
    const limit = limits?.[name]
    const request = requests?.[name] ?? limit
    return limit !== undefined && request !== undefined && compareQuantities(limit, request) === 0
  })
}
