/** Checks of a HorizontalPodAutoscaler, but for its metrics. */
import { checkNonNegative } from '../../common/validation.ts'
import type { HorizontalPodAutoscaler, HPAScalingPolicy, HPAScalingRules } from '../../generated/autoscaling.v2.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { validateMetric } from './metrics.ts'
import { validateReference } from './reference.ts'

const path = Path.of('spec')
const windowMaxSeconds = 3600
const periodMaxSeconds = 1800
const selectPolicies = ['Disabled', 'Max', 'Min']
const policyTypes = ['Percent', 'Pods']
const positiveMessage = 'must be greater than zero'

export const validateAutoscaler = (autoscaler: HorizontalPodAutoscaler): FieldError[] => validateSpec(autoscaler, 1)

/** Zero is for those who had it before. */
export function validateAutoscalerUpdate(next: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler): FieldError[] {
  return validateSpec(next, old.spec.minReplicas === 0 ? 0 : 1)
}

function validateSpec({ spec }: HorizontalPodAutoscaler, leastReplicas: number): FieldError[] {
  const { minReplicas, maxReplicas, metrics = [], behavior } = spec
  const errors: FieldError[] = []
  const max = path.child('maxReplicas')
  if (minReplicas !== undefined && minReplicas < leastReplicas) {
    const why = `must be greater than or equal to ${leastReplicas}`
    errors.push(invalid(path.child('minReplicas'), minReplicas, why))
  }
  if (maxReplicas < 1) errors.push(invalid(max, maxReplicas, 'must be greater than 0'))
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid(max, maxReplicas, 'must be greater than or equal to `minReplicas`'))
  }
  errors.push(...validateReference(spec.scaleTargetRef, path.child('scaleTargetRef')))
  errors.push(...metrics.flatMap((metric, i) => validateMetric(metric, path.child('metrics').index(i))))
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const why = 'must specify at least one Object or External metric to support scaling to zero replicas'
    errors.push(forbidden(path.child('metrics'), why))
  }
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const rules = behavior?.[direction]
    if (rules) errors.push(...validateRules(rules, path.child('behavior', direction)))
  }
  return errors
}

function validateRules({ stabilizationWindowSeconds: window, selectPolicy, policies = [] }: HPAScalingRules, at: Path) {
  const errors: FieldError[] = []
  const here = at.child('stabilizationWindowSeconds')
  if (window !== undefined && window < 0) errors.push(invalid(here, window, 'must be greater than or equal to zero'))
  if (window !== undefined && window > windowMaxSeconds) {
    errors.push(invalid(here, window, `must be less than or equal to ${windowMaxSeconds}`))
  }
  if (selectPolicy !== undefined && !selectPolicies.includes(selectPolicy)) {
    errors.push(notSupported(at.child('selectPolicy'), selectPolicy, selectPolicies))
  }
  if (policies.length === 0) errors.push(required(at.child('policies'), 'must specify at least one Policy'))
  return [...errors, ...policies.flatMap((policy, i) => validatePolicy(policy, at.child('policies').index(i)))]
}

function validatePolicy({ type, value, periodSeconds }: HPAScalingPolicy, at: Path): FieldError[] {
  const errors: FieldError[] = []
  const period = at.child('periodSeconds')
  if (!policyTypes.includes(type)) errors.push(notSupported(at.child('type'), type, policyTypes))
  if (value <= 0) errors.push(invalid(at.child('value'), value, positiveMessage))
  if (periodSeconds <= 0) errors.push(invalid(period, periodSeconds, positiveMessage))
  if (periodSeconds > periodMaxSeconds) {
    errors.push(invalid(period, periodSeconds, `must be less than or equal to ${periodMaxSeconds}`))
  }
  return errors
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldError[] {
  const at = Path.of('status')
  return (['currentReplicas', 'desiredReplicas'] as const).flatMap((name) =>
    checkNonNegative(at.child(name), status?.[name]),
  )
}
