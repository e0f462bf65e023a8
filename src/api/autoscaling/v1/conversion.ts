/**
 * Between v1 and v2: what v1 has no field for is in annotations, as upstream writes them, so that nothing is lost on the
 * way there and back. Metrics in them have the fields they had when v1 was current.
 */
import type { HorizontalPodAutoscaler } from '../../generated/autoscaling.v1.ts'
import type * as v2 from '../../generated/autoscaling.v2.ts'
import type { ObjectMeta } from '../../generated/meta.v1.ts'
import { fromOldSpecs, fromOldStatuses, type OldMetric, toOldMetrics } from './metrics.ts'

const prefix = 'autoscaling.alpha.kubernetes.io/'
const annotationOf = {
  metrics: `${prefix}metrics`,
  currentMetrics: `${prefix}current-metrics`,
  conditions: `${prefix}conditions`,
  behavior: `${prefix}behavior`,
} as const

function isCpu(metric: v2.MetricSpec | v2.MetricStatus): boolean {
  return metric.type === 'Resource' && metric.resource?.name === 'cpu'
}

/** The one that v1 has a field for. */
function utilizationIndex(metrics: readonly v2.MetricSpec[]): number {
  return metrics.findIndex((metric) => isCpu(metric) && metric.resource?.target.averageUtilization !== undefined)
}

export function fromV2({ spec, status, ...rest }: v2.HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { metrics = [], behavior, ...common } = spec
  const { currentMetrics = [], conditions = [], ...counts } = status ?? { desiredReplicas: 0 }
  const target = utilizationIndex(metrics)
  const percentage = metrics[target]?.resource?.target.averageUtilization
  const current = currentMetrics.findIndex(
    (one) => isCpu(one) && one.resource?.current.averageUtilization !== undefined,
  )
  const currentPercentage = currentMetrics[current]?.resource?.current.averageUtilization
  const annotations = {
    ...rest.metadata.annotations,
    ...annotation(
      'metrics',
      toOldMetrics(
        metrics.filter((_, i) => i !== target),
        'target',
      ),
    ),
    ...annotation(
      'currentMetrics',
      toOldMetrics(
        currentMetrics.filter((_, i) => i !== current),
        'current',
      ),
    ),
    ...annotation('conditions', conditions),
    ...(behavior && { [annotationOf.behavior]: JSON.stringify(renamed(behavior, capital)) }),
  }
  return {
    ...rest,
    metadata: withAnnotations(rest.metadata, annotations),
    spec: { ...common, ...(percentage !== undefined && { targetCPUUtilizationPercentage: percentage }) },
    status: {
      ...counts,
      currentReplicas: counts.currentReplicas ?? 0,
      ...(currentPercentage !== undefined && { currentCPUUtilizationPercentage: currentPercentage }),
    },
  }
}

function annotation(name: keyof typeof annotationOf, list: readonly unknown[]): Record<string, string> {
  return list.length > 0 ? { [annotationOf[name]]: JSON.stringify(list) } : {}
}

export function toV2({ spec, status, ...rest }: HorizontalPodAutoscaler): v2.HorizontalPodAutoscaler {
  const { targetCPUUtilizationPercentage: percentage, ...common } = spec
  const { currentCPUUtilizationPercentage: currentPercentage, ...counts } = status ?? {
    currentReplicas: 0,
    desiredReplicas: 0,
  }
  const others = { ...rest.metadata.annotations }
  const read = (name: keyof typeof annotationOf): unknown => {
    const text = others[annotationOf[name]]
    delete others[annotationOf[name]]
    return text === undefined ? undefined : parsed(text)
  }
  const metrics = [
    ...(percentage === undefined ? [] : [cpuMetric(percentage)]),
    ...fromOldSpecs(listOf<OldMetric>(read('metrics'))),
  ]
  const currentMetrics = [
    ...(currentPercentage === undefined ? [] : [cpuStatus(currentPercentage)]),
    ...fromOldStatuses(listOf<OldMetric>(read('currentMetrics'))),
  ]
  const conditions = listOf<v2.HorizontalPodAutoscalerCondition>(read('conditions'))
  const behavior = renamed(read('behavior'), small) as v2.HorizontalPodAutoscalerBehavior | undefined
  return {
    ...rest,
    metadata: withAnnotations(rest.metadata, others),
    spec: {
      ...common,
      metrics: metrics.length > 0 ? metrics : [cpuMetric(defaultPercentage)],
      ...(behavior && { behavior }),
    },
    status: {
      ...counts,
      ...(currentMetrics.length > 0 && { currentMetrics }),
      ...(conditions.length > 0 && { conditions }),
    },
  }
}

/** v2 always has a metric. */
const defaultPercentage = 80

function cpuMetric(averageUtilization: number): v2.MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }
}

function cpuStatus(averageUtilization: number): v2.MetricStatus {
  return { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } }
}

const capital = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)
const small = (name: string) => name.charAt(0).toLowerCase() + name.slice(1)

/** Upstream writes its internal type there, whose fields begin with capitals. */
function renamed(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [rename(name), renamed(inner, rename)]))
}

function listOf<T>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : []
}

/** What a user wrote there that is no JSON says nothing. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function withAnnotations(given: ObjectMeta, annotations: Record<string, string>): ObjectMeta {
  const { annotations: _, ...metadata } = given
  return { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) }
}
