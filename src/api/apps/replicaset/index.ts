/** ReplicaSet: a number of pods of one template. */
import { ageColumn, nameColumn, selectorText, workloadColumns } from '../../common/columns.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import { checkNonNegative } from '../../common/validation.ts'
import type { ReplicaSet, ReplicaSetSpec } from '../../generated/apps.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path } from '../../machinery/field.ts'
import { declareResource } from '../../resource.ts'
import { setTemplateDefaults, templateWarnings, validateSelectorUpdate, validateTemplated } from '../template.ts'

const noSpec = {} as ReplicaSetSpec

function setDefaults(set: ReplicaSet): void {
  const spec = (set.spec ??= {} as ReplicaSetSpec)
  spec.replicas ??= 1
  setTemplateDefaults(spec)
}

function validate(set: ReplicaSet): FieldError[] {
  const spec = set.spec ?? noSpec
  const path = Path.of('spec')
  return [
    ...checkNonNegative(path.child('replicas'), spec.replicas),
    ...checkNonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
    ...validateTemplated(spec, 'deployment'),
  ]
}

const counts = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const

function validateStatus({ status }: ReplicaSet): FieldError[] {
  const path = Path.of('status')
  const errors = counts.flatMap((name) => checkNonNegative(path.child(name), status?.[name]))
  const total = status?.replicas ?? 0
  for (const name of counts.slice(1)) {
    const count = status?.[name] ?? 0
    if (count > total) errors.push(invalid(path.child(name), count, 'cannot be greater than status.replicas'))
  }
  if ((status?.availableReplicas ?? 0) > (status?.readyReplicas ?? 0)) {
    errors.push(
      invalid(path.child('availableReplicas'), status?.availableReplicas, 'cannot be greater than readyReplicas'),
    )
  }
  return errors
}

export const replicaSetDefinition = declareResource<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  namespaced: true,
  shortNames: ['rs'],
  categories: ['all'],
  setDefaults,
  prepareForCreate: (set) => {
    set.status = { replicas: 0 }
    startGeneration(set)
  },
  validate,
  warningsOnCreate: ({ spec }) => templateWarnings(spec),
  warningsOnUpdate: ({ spec }) => templateWarnings(spec),
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
  },
  validateUpdate: (next, old) => [
    ...validate(next),
    ...validateSelectorUpdate(next.spec ?? noSpec, old.spec ?? noSpec),
  ],
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec, validateUpdate: validateStatus },
  scale: {
    get: ({ spec, status }) => ({
      specReplicas: spec?.replicas ?? 0,
      statusReplicas: status?.replicas ?? 0,
      selector: selectorText(spec?.selector),
    }),
    set: (replicaSet, replicas) => {
      if (replicaSet.spec) replicaSet.spec.replicas = replicas
    },
  },
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', cell: ({ spec }) => spec?.replicas ?? 0 },
    { name: 'Current', type: 'integer', cell: ({ status }) => status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', cell: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn,
    ...workloadColumns<ReplicaSet>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec?.selector,
    ),
  ],
})
