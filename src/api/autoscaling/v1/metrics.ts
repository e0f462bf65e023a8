/** Metrics with the names their fields had when v1 was current: what the annotations of a v1 object hold. */
import type {
  CrossVersionObjectReference,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../generated/autoscaling.v2.ts'
import type { LabelSelector } from '../../generated/meta.v1.ts'

interface Amounts {
  readonly value?: string | undefined
  readonly averageValue?: string | undefined
  readonly averageUtilization?: number | undefined
}

interface OldSource {
  readonly name?: string
  readonly container?: string
  readonly metricName?: string
  readonly selector?: LabelSelector
  readonly metricSelector?: LabelSelector
  readonly target?: CrossVersionObjectReference
  readonly averageValue?: string
  readonly targetValue?: string
  readonly targetAverageValue?: string
  readonly targetAverageUtilization?: number
  readonly currentValue?: string
  readonly currentAverageValue?: string
  readonly currentAverageUtilization?: number
}

const sources = ['object', 'pods', 'resource', 'containerResource', 'external'] as const
type Source = (typeof sources)[number]
type When = 'target' | 'current'

export type OldMetric = { readonly type: string } & { readonly [name in Source]?: OldSource }

export function toOldMetrics(metrics: readonly (MetricSpec | MetricStatus)[], when: When): OldMetric[] {
  return metrics.map((metric) => {
    const source = sources.find((name) => metric[name] !== undefined)
    return source ? { type: metric.type, [source]: toOld(metric, source, when) } : { type: metric.type }
  })
}

function toOld(metric: MetricSpec | MetricStatus, source: Source, when: When): OldSource {
  const found = metric[source] as Partial<Record<When, Amounts>> & {
    name?: string
    container?: string
    describedObject?: CrossVersionObjectReference
    metric?: { name: string; selector?: LabelSelector }
  }
  const { value, averageValue, averageUtilization } = found[when] ?? {}
  const { selector } = found.metric ?? {}
  const ofObject = source === 'object'
  return defined({
    name: found.name,
    container: found.container,
    target: found.describedObject,
    metricName: found.metric?.name,
    [source === 'external' ? 'metricSelector' : 'selector']: selector,
    [`${when}Value`]: value,
    [ofObject ? 'averageValue' : `${when}AverageValue`]: averageValue,
    [`${when}AverageUtilization`]: averageUtilization,
  })
}

export function fromOldSpecs(metrics: readonly OldMetric[]): MetricSpec[] {
  return metrics.map((metric) => fromOld(metric, 'target') as unknown as MetricSpec)
}

export function fromOldStatuses(metrics: readonly OldMetric[]): MetricStatus[] {
  return metrics.map((metric) => fromOld(metric, 'current') as unknown as MetricStatus)
}

function fromOld(metric: OldMetric, when: When): Record<string, unknown> {
  const source = sources.find((name) => metric[name] !== undefined)
  const found = source && metric[source]
  if (!source || !found) return { type: metric.type }
  const amounts: Amounts = {
    value: found[`${when}Value`],
    averageValue: source === 'object' ? found.averageValue : found[`${when}AverageValue`],
    averageUtilization: found[`${when}AverageUtilization`],
  }
  const selector = source === 'external' ? found.metricSelector : found.selector
  const identifier = found.metricName === undefined ? undefined : defined({ name: found.metricName, selector })
  return {
    type: metric.type,
    [source]: defined({
      name: found.name,
      container: found.container,
      describedObject: found.target,
      metric: identifier,
      [when]: when === 'target' ? { type: targetType(amounts), ...defined({ ...amounts }) } : defined({ ...amounts }),
    }),
  }
}

function targetType({ value, averageUtilization }: MetricValueStatus | Amounts): MetricTarget['type'] {
  if (averageUtilization !== undefined) return 'Utilization'
  return value === undefined ? 'AverageValue' : 'Value'
}

function defined<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
