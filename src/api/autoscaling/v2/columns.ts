/** Cells of `kubectl get hpa`. */
import { none } from '../../common/columns.ts'
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../../generated/autoscaling.v2.ts'

const unknown = '<unknown>'
const shownMax = 2

/** What is and what should be, of the first metrics. */
export function targetsText({ spec, status }: HorizontalPodAutoscaler): string {
  const { metrics = [] } = spec
  if (metrics.length === 0) return none
  const texts = metrics.map((metric, i) => metricText(metric, status?.currentMetrics?.[i]))
  const more = metrics.length - shownMax
  return more > 0 ? `${texts.slice(0, shownMax).join(', ')} + ${more} more...` : texts.join(', ')
}

function metricText(metric: MetricSpec, status: MetricStatus | undefined): string {
  switch (metric.type) {
    case 'External':
      return amountText(metric.external?.target, status?.external?.current)
    case 'Object':
      return amountText(metric.object?.target, status?.object?.current)
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? unknown}/${metric.pods?.target.averageValue ?? ''}`
    case 'Resource':
      return resourceText(metric.resource, status?.resource?.current)
    case 'ContainerResource':
      return resourceText(metric.containerResource, status?.containerResource?.current)
    default:
      return '<unknown type>'
  }
}

function amountText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`
  return `${current?.value ?? unknown}/${target?.value ?? ''}`
}

function resourceText(
  metric: { readonly name: string; readonly target: MetricTarget } | undefined,
  current: MetricValueStatus | undefined,
): string {
  const { name = '', target } = metric ?? {}
  if (target?.averageValue !== undefined) return `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`
  const percent = (value: number | undefined, otherwise: string) => (value === undefined ? otherwise : `${value}%`)
  return `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, '<auto>')}`
}
