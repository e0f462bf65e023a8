/** What containers and pods may use, from their requests and limits: the numbers of control groups. Pure. */
import { mostAtOnce } from '../../api/core/pod/containers.ts'
import { qosClass } from '../../api/core/pod/qos.ts'
import { resourceAmount } from '../../api/core/pod/requests.ts'
import type { Container, Pod, ResourceRequirements } from '../../api/generated/v1.ts'
import { quantityMilliValue, quantityValue } from '../../api/machinery/quantity.ts'
import type { Limits } from '../runtime/contract.ts'

const sharesMin = 2
const sharesPerCpu = 1024
const quotaUsPerMilliCpu = 100
const quotaMinUs = 1000

/** Undefined when it asks for nothing. */
export function containerLimits({ resources = {} }: Container): Limits | undefined {
  if (!asks(resources)) return undefined
  const milli = (text: string | undefined) => (text === undefined ? 0 : quantityMilliValue(text))
  const { limits = {}, requests = {} } = resources
  return limitsOf({
    cpuRequest: milli(requests['cpu']) || milli(limits['cpu']),
    cpuLimit: milli(limits['cpu']),
    memoryLimit: limits['memory'] === undefined ? 0 : quantityValue(limits['memory']),
  })
}

interface Amounts {
  /** Thousandths of a CPU. */
  readonly cpuRequest: number
  /** 0: none. */
  readonly cpuLimit: number
  /** Bytes. 0: none. */
  readonly memoryLimit: number
}

function limitsOf({ cpuRequest, cpuLimit, memoryLimit }: Amounts): Limits {
  return {
    cpuShares: Math.max(sharesMin, Math.floor((cpuRequest * sharesPerCpu) / 1000)),
    ...(cpuLimit > 0 && { cpuQuotaUs: Math.max(quotaMinUs, cpuLimit * quotaUsPerMilliCpu) }),
    ...(memoryLimit > 0 && { memoryBytes: memoryLimit }),
  }
}

function asks({ limits = {}, requests = {} }: ResourceRequirements): boolean {
  return ['cpu', 'memory'].some((name) => limits[name] !== undefined || requests[name] !== undefined)
}

/** Of the pod as a whole: limits hold where every container has one, or the pod itself says so. */
export function podLimits(pod: Pod): Limits | undefined {
  const { containers = [], initContainers = [], resources } = pod.spec ?? {}
  const every = [...initContainers, ...containers]
  if (!asks(resources ?? {}) && !every.some((container) => asks(container.resources ?? {}))) return undefined
  const total = (kind: 'requests' | 'limits', name: 'cpu' | 'memory') => {
    const own = resources?.[kind]?.[name]
    return own === undefined ? totalOf(pod, kind, name) : resourceAmount(name, own)
  }
  const bound = (name: 'cpu' | 'memory') => {
    const everyOne = every.every((container) => container.resources?.limits?.[name] !== undefined)
    return everyOne || resources?.limits?.[name] !== undefined ? total('limits', name) : 0
  }
  return limitsOf({ cpuRequest: total('requests', 'cpu'), cpuLimit: bound('cpu'), memoryLimit: bound('memory') })
}

/** Bytes that an emptyDir in memory may hold: no more than its pod, and no more than the node. A `sizeLimit` of 0 is none. */
export function memoryVolumeBytes(pod: Pod, sizeLimit: string | undefined, nodeMemory: string): number {
  const own = sizeLimit === undefined ? 0 : quantityValue(sizeLimit)
  const bounds = [own, podLimits(pod)?.memoryBytes ?? 0, quantityValue(nodeMemory)]
  return Math.min(...bounds.filter((bytes) => bytes > 0))
}

function totalOf({ spec }: Pod, kind: 'requests' | 'limits', name: 'cpu' | 'memory'): number {
  const textOf = ({ resources }: Container) => resources?.[kind]?.[name] ?? resources?.limits?.[name] ?? '0'
  return Number(mostAtOnce(spec, (container) => BigInt(resourceAmount(name, textOf(container)))))
}

const guaranteedScore = -997
const bestEffortScore = 1000

/** Whom the kernel ends first when memory is short (oom_score_adj): who asked for little of the node's memory. */
export function oomScore(pod: Pod, { resources }: Container, nodeMemoryBytes: number): number {
  const quality = qosClass(pod)
  if (quality === 'Guaranteed') return guaranteedScore
  if (quality === 'BestEffort') return bestEffortScore
  const request = quantityValue(resources?.requests?.['memory'] ?? '0')
  const score = Math.floor(1000 - (1000 * request) / nodeMemoryBytes)
  return Math.min(Math.max(score, 1000 + guaranteedScore), bestEffortScore - 1)
}
