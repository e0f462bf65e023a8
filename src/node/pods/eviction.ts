/** Pods that fill more of the disk than they said are evicted, as by the kubelet's local storage eviction. */
import { mostAtOnce } from '../../api/core/pod/containers.ts'
import type { Container, Pod, PodSpec, PodStatus, Volume } from '../../api/generated/v1.ts'
import { formatQuantity, parseQuantity, quantityValue } from '../../api/machinery/quantity.ts'
import type { StorageUse } from '../runtime/contract.ts'

/** From here on (system-cluster-critical) a pod is critical. */
const criticalPriority = 2_000_000_000

/** Nothing of it has to be measured: it has no limits, or the system cannot do without it. */
export function isExempt({ spec }: Pod): boolean {
  if ((spec?.priority ?? 0) >= criticalPriority) return true
  const volumes = (spec?.volumes ?? []).some((volume) => sizeLimitOf(volume) !== undefined)
  return !volumes && totalLimit(spec) === undefined
}

/** Of a volume on the disk; 0 is none. */
function sizeLimitOf({ emptyDir }: Volume): string | undefined {
  const { medium, sizeLimit } = emptyDir ?? {}
  return medium || sizeLimit === undefined || quantityValue(sizeLimit) === 0 ? undefined : sizeLimit
}

function limitOf({ resources }: Container): string | undefined {
  return resources?.limits?.['ephemeral-storage']
}

/** Undefined when no container has a limit. */
function totalLimit(spec: PodSpec | undefined): string | undefined {
  const [first] = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].flatMap((one) => limitOf(one) ?? [])
  if (first === undefined) return undefined
  const nano = mostAtOnce(spec, (container) => parseQuantity(limitOf(container) ?? '0').nano)
  return formatQuantity({ nano, format: parseQuantity(first).format })
}

/** Why the pod has to go, in the kubelet's words; undefined when it is within its limits. Pure. */
export function storageExcess({ spec }: Pod, { volumes, containers }: StorageUse): string | undefined {
  for (const volume of spec?.volumes ?? []) {
    const limit = sizeLimitOf(volume)
    if (limit === undefined || (volumes.get(volume.name) ?? 0) <= quantityValue(limit)) continue
    return `Usage of EmptyDir volume "${volume.name}" exceeds the limit "${limit}". `
  }
  const total = totalLimit(spec)
  if (total === undefined) return undefined
  const used = [...volumes.values(), ...containers.values()].reduce((sum, bytes) => sum + bytes, 0)
  if (used > quantityValue(total)) {
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. `
  }
  for (const container of spec?.containers ?? []) {
    const limit = quantityValue(limitOf(container) ?? '0')
    if (limit === 0 || (containers.get(container.name) ?? 0) <= limit) continue
    return `Container ${container.name} exceeded its local ephemeral storage limit "${limitOf(container)}". `
  }
  return undefined
}

/** What an evicted pod's status becomes; its containers end after that. It is to blame itself: no DisruptionTarget. */
export function evictedStatus({ status }: Pod, message: string): PodStatus {
  return { ...status, phase: 'Failed', reason: 'Evicted', message }
}
