/** ReplicaSet: a number of pods of one template. */
import { ageColumn, nameColumn, selectorText, workloadColumns } from '../../common/columns.ts'
import { validateReplicaStatus } from '../../common/replica-status.ts'
import { replicasScale } from '../../common/scale.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import { checkNonNegative } from '../../common/validation.ts'
import { setTemplateDefaults, templateWarnings } from '../../core/pod/template.ts'
import type { ReplicaSet, ReplicaSetSpec } from '../../generated/apps.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { Path } from '../../machinery/field.ts'
import { declareResource } from '../../resource.ts'
import { validateSelectorUpdate, validateTemplated } from '../template.ts'

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
  status: { prepareForUpdate: keepSpec, validateUpdate: ({ status }) => validateReplicaStatus(status) },
  scale: replicasScale<ReplicaSetSpec>((spec) => selectorText(spec?.selector)),
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
