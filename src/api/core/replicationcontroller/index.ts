/** ReplicationController: what ReplicaSets were before they had set-based selectors. */
import { ageColumn, formatLabels, nameColumn, workloadColumns } from '../../common/columns.ts'
import { validateReplicaStatus } from '../../common/replica-status.ts'
import { replicasScale } from '../../common/scale.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import { checkNonNegative } from '../../common/validation.ts'
import type { ReplicationController, ReplicationControllerSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path, required } from '../../machinery/field.ts'
import { declareResource } from '../../resource.ts'
import { setTemplateDefaults, templateWarnings } from '../pod/template.ts'
import { validatePodTemplate } from '../pod/template-validation.ts'

const isEmpty = (map: Readonly<Record<string, string>> | undefined) => Object.keys(map ?? {}).length === 0

/** Selector and labels are the template's labels where nothing else is said. */
function setDefaults(controller: ReplicationController): void {
  const spec = (controller.spec ??= {})
  const labels = spec.template?.metadata?.labels
  if (labels && isEmpty(spec.selector)) spec.selector = { ...labels }
  if (labels && isEmpty(controller.metadata.labels)) controller.metadata.labels = { ...labels }
  spec.replicas ??= 1
  if (spec.template) setTemplateDefaults(spec)
}

function validate({ spec = {} }: ReplicationController): FieldError[] {
  const path = Path.of('spec')
  return [
    ...checkNonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
    ...(isEmpty(spec.selector) ? [required(path.child('selector'))] : []),
    ...checkNonNegative(path.child('replicas'), spec.replicas),
    ...validateTemplate(spec, path.child('template')),
  ]
}

function validateTemplate({ selector, template }: ReplicationControllerSpec, at: Path): FieldError[] {
  if (!template) return [required(at)]
  const labels = template.metadata?.labels
  const matches = Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value)
  const mismatch = invalid(at.child('metadata', 'labels'), labels, '`selector` does not match template `labels`')
  return [...(matches ? [] : [mismatch]), ...validatePodTemplate(template, at, 'ReplicationController')]
}

/** In the syntax of `kubectl -l`, keys in order. */
function selectorOf(spec: ReplicationControllerSpec | undefined): string {
  return isEmpty(spec?.selector) ? '' : formatLabels(spec?.selector)
}

export const replicationControllerDefinition = declareResource<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  namespaced: true,
  shortNames: ['rc'],
  categories: ['all'],
  setDefaults,
  prepareForCreate: (controller) => {
    controller.status = { replicas: 0 }
    startGeneration(controller)
  },
  validate,
  warningsOnCreate: ({ spec }) => templateWarnings(spec),
  warningsOnUpdate: ({ spec }) => templateWarnings(spec),
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
  },
  validateUpdate: validate,
  allowUnconditionalUpdate: true,
  // Older than the garbage collector: its clients expect the pods to stay.
  defaultDeletion: 'Orphan',
  status: { prepareForUpdate: keepSpec, validateUpdate: ({ status }) => validateReplicaStatus(status) },
  scale: replicasScale<ReplicationControllerSpec>(selectorOf),
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', cell: ({ spec }) => spec?.replicas ?? 0 },
    { name: 'Current', type: 'integer', cell: ({ status }) => status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', cell: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn,
    ...workloadColumns<ReplicationController>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => ({ matchLabels: spec?.selector ?? {} }),
    ),
  ],
})
