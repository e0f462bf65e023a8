/** PodDisruptionBudget: how many pods of a kind evictions must leave. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { checkAtMostAll, checkIntOrPercent } from '../common/int-or-percent.ts'
import { validateLabelSelector } from '../common/selector-validation.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../common/strategy.ts'
import { checkNonNegative } from '../common/validation.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../generated/policy.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, notSupported, Path } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'

const path = Path.of('spec')
const unhealthyPolicies = ['AlwaysAllow', 'IfHealthyBudget']
const notSet = 'N/A'
const counts = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const

/** What Go writes of numbers nobody counted yet. */
const noStatus = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }

function validate({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec
  const both = minAvailable !== undefined && maxUnavailable !== undefined
  return [
    ...(both ? [invalid(path, internalForm(spec), 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...(['minAvailable', 'maxUnavailable'] as const).flatMap((name) => [
      ...checkIntOrPercent(path.child(name), spec[name]),
      ...checkAtMostAll(path.child(name), spec[name]),
    ]),
    ...validateLabelSelector(selector, path.child('selector')),
    ...(policy === undefined || unhealthyPolicies.includes(policy)
      ? []
      : [notSupported(path.child('unhealthyPodEvictionPolicy'), policy, unhealthyPolicies)]),
  ]
}

/** As upstream's internal type is written in messages. */
function internalForm(spec: PodDisruptionBudgetSpec) {
  const { minAvailable = null, selector = null, maxUnavailable = null, unhealthyPodEvictionPolicy = null } = spec
  return {
    MinAvailable: minAvailable,
    Selector: selector,
    MaxUnavailable: maxUnavailable,
    UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy,
  }
}

export const podDisruptionBudgetDefinition = declareResource<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  namespaced: true,
  shortNames: ['pdb'],
  prepareForCreate: (budget) => {
    budget.status = { ...noStatus }
    startGeneration(budget)
  },
  validate,
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
  },
  validateUpdate: validate,
  allowUnconditionalUpdate: false,
  status: {
    prepareForUpdate: (next, old) => {
      keepSpec(next, old)
      next.status = { ...noStatus, ...next.status }
    },
    validateUpdate: ({ status }) => counts.flatMap((name) => checkNonNegative(Path.of('status', name), status?.[name])),
  },
  columns: [
    nameColumn,
    {
      name: 'Min Available',
      type: 'string',
      description: 'The minimum number of pods that must be available.',
      cell: ({ spec }) => String(spec?.minAvailable ?? notSet),
    },
    {
      name: 'Max Unavailable',
      type: 'string',
      description: 'The maximum number of pods that may be unavailable.',
      cell: ({ spec }) => String(spec?.maxUnavailable ?? notSet),
    },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      description: 'Calculated number of pods that may be disrupted at this time.',
      cell: ({ status }) => status?.disruptionsAllowed ?? 0,
    },
    ageColumn,
  ],
})
