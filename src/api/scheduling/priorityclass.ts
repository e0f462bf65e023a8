/** PriorityClass: a name for how important pods are. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { startGeneration } from '../common/strategy.ts'
import { immutableMessage } from '../common/validation.ts'
import type { PriorityClass } from '../generated/scheduling.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { forbidden, invalid, notSupported, Path } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'

export const defaultPreemptionPolicy = 'PreemptLowerPriority'
const preemptionPolicies = [defaultPreemptionPolicy, 'Never']
const systemPrefix = 'system-'
/** Above this are the system's own. */
const userMax = 1_000_000_000

/** The classes that every cluster has. */
export const systemPriorityClasses: readonly PriorityClass[] = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    preemptionPolicy: defaultPreemptionPolicy,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    preemptionPolicy: defaultPreemptionPolicy,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
]

function validate(priorityClass: PriorityClass): FieldError[] {
  const { metadata, value = 0, preemptionPolicy } = priorityClass
  const errors: FieldError[] = []
  if (metadata.name.startsWith(systemPrefix)) {
    const problem = systemProblem(priorityClass)
    const why = `priority class names with 'system-' prefix are reserved for system use only. error: ${problem}`
    if (problem) errors.push(forbidden(Path.of('metadata', 'name'), why))
  } else if (value > userMax) {
    const why = `maximum allowed value of a user defined priority is ${userMax}`
    errors.push(forbidden(Path.of('value'), why))
  }
  if (preemptionPolicy !== undefined && !preemptionPolicies.includes(preemptionPolicy)) {
    errors.push(notSupported(Path.of('preemptionPolicy'), preemptionPolicy, preemptionPolicies))
  }
  return errors
}

/** Why it is not one of the system's classes. */
function systemProblem({ metadata: { name }, value, globalDefault = false }: PriorityClass): string | undefined {
  const known = systemPriorityClasses.find(({ metadata }) => metadata.name === name)
  if (!known) return `${name} is not a known system priority class`
  if (value !== known.value) return `value of ${name} PriorityClass must be ${known.value}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

function validateUpdate(next: PriorityClass, old: PriorityClass): FieldError[] {
  const errors: FieldError[] = []
  if ((next.value ?? 0) !== (old.value ?? 0)) {
    errors.push(forbidden(Path.of('value'), 'may not be changed in an update.'))
  }
  if (next.preemptionPolicy !== old.preemptionPolicy) {
    errors.push(invalid(Path.of('preemptionPolicy'), next.preemptionPolicy, immutableMessage))
  }
  return errors
}

export const priorityClassDefinition = declareResource<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  namespaced: false,
  shortNames: ['pc'],
  setDefaults: (priorityClass) => {
    priorityClass.value ??= 0
    priorityClass.preemptionPolicy ??= defaultPreemptionPolicy
  },
  prepareForCreate: startGeneration,
  validate,
  validateUpdate,
  allowUnconditionalUpdate: true,
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', cell: ({ value }) => value ?? 0 },
    { name: 'Global-Default', type: 'boolean', cell: ({ globalDefault }) => globalDefault ?? false },
    ageColumn,
    { name: 'PreemptionPolicy', type: 'string', cell: ({ preemptionPolicy }) => preemptionPolicy ?? '' },
  ],
})
