/** Pods that fill more of the disk than they said are evicted, as by the kubelet's local storage eviction. */
import type { Pod, PodStatus } from '../../api/generated/v1.ts'
import { quantityValue } from '../../api/machinery/quantity.ts'
import type { StorageUse } from '../runtime/contract.ts'

/** Nothing of it has to be measured. */
export function isUnbounded({ spec }: Pod): boolean {
  const volumes = (spec?.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && !emptyDir.medium)
  return !volumes && (spec?.containers ?? []).every((container) => limitOf(container) === undefined)
}

function limitOf({ resources }: NonNullable<Pod['spec']>['containers'][number]): string | undefined {
  return resources?.limits?.['ephemeral-storage']
}

/** Why the pod has to go, in the kubelet's words; undefined when it is within its limits. Pure. */
export function storageExcess({ spec }: Pod, { volumes, containers }: StorageUse): string | undefined {
  for (const { name, emptyDir } of spec?.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    if (limit === undefined || emptyDir?.medium || (volumes.get(name) ?? 0) <= quantityValue(limit)) continue
    return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `
  }
  const limits = (spec?.containers ?? []).map((container) => [container.name, limitOf(container)] as const)
  for (const [name, limit] of limits) {
    if (limit === undefined || (containers.get(name) ?? 0) <= quantityValue(limit)) continue
    return `Container ${name} exceeded its local ephemeral storage limit "${limit}". `
  }
  if (limits.some(([, limit]) => limit === undefined)) return undefined
  const total = limits.reduce((sum, [, limit]) => sum + quantityValue(limit ?? '0'), 0)
  const used = [...volumes.values(), ...containers.values()].reduce((sum, bytes) => sum + bytes, 0)
  return used > total ? `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. ` : undefined
}

/** What an evicted pod's status becomes; its containers end after that. */
export function evictedStatus({ status }: Pod, message: string, now: string): PodStatus {
  const disruption = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message }
  const others = (status?.conditions ?? []).filter(({ type }) => type !== disruption.type)
  return {
    ...status,
    phase: 'Failed',
    reason: 'Evicted',
    message,
    conditions: [...others, { ...disruption, lastTransitionTime: now }],
  }
}
