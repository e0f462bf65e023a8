/** Which objects a quota is about. Pure. */
import type { Pod, ResourceQuota, ScopedResourceSelectorRequirement } from '../../generated/v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { qosClass } from '../pod/qos.ts'

/** A quota without scopes is about everything it names; scopes are of pods. */
export function isInScope({ spec = {} }: ResourceQuota, resource: string, object: KubeObject): boolean {
  const requirements = [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ]
  if (requirements.length === 0) return true
  return resource === 'pods' && requirements.every((requirement) => holds(requirement, object))
}

function holds({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement, pod: Pod): boolean {
  const { activeDeadlineSeconds, priorityClassName = '' } = pod.spec ?? {}
  switch (scopeName) {
    case 'Terminating':
      return activeDeadlineSeconds !== undefined
    case 'NotTerminating':
      return activeDeadlineSeconds === undefined
    case 'BestEffort':
      return qosClass(pod) === 'BestEffort'
    case 'NotBestEffort':
      return qosClass(pod) !== 'BestEffort'
    case 'PriorityClass':
      if (operator === 'In') return values.includes(priorityClassName)
      if (operator === 'NotIn') return !values.includes(priorityClassName)
      return (priorityClassName !== '') === (operator === 'Exists')
    case 'CrossNamespacePodAffinity':
      return looksElsewhere(pod)
    default:
      return false
  }
}

function looksElsewhere({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {}
  return [podAffinity, podAntiAffinity]
    .flatMap((one) => [
      ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ])
    .some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined)
}
