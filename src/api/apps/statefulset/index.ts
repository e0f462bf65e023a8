/** StatefulSet: numbered pods of one template, each with a name that stays when the pod is replaced. */
import { ageColumn, nameColumn, selectorText, workloadColumns } from '../../common/columns.ts'
import { replicasScale } from '../../common/scale.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import { templateWarnings } from '../../core/pod/template.ts'
import type { StatefulSet, StatefulSetSpec } from '../../generated/apps.v1.ts'
import { isDNS1123Label } from '../../machinery/validate.ts'
import { declareResource } from '../../resource.ts'
import { setStatefulSetDefaults } from './defaults.ts'
import { validateStatefulSet, validateStatefulSetStatusUpdate, validateStatefulSetUpdate } from './validation.ts'

function warnings({ spec }: { spec?: StatefulSetSpec }): string[] {
  const negative = (spec?.revisionHistoryLimit ?? 0) < 0
  return [
    ...templateWarnings(spec),
    ...(negative
      ? ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended']
      : []),
  ]
}

export const statefulSetDefinition = declareResource<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  namespaced: true,
  shortNames: ['sts'],
  categories: ['all'],
  // Its pods are hosts of a domain: their names must be labels, and so must the name they start with.
  validateName: isDNS1123Label,
  setDefaults: setStatefulSetDefaults,
  prepareForCreate: (set) => {
    set.status = { replicas: 0, availableReplicas: 0 }
    startGeneration(set)
  },
  validate: validateStatefulSet,
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
  },
  validateUpdate: validateStatefulSetUpdate,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec, validateUpdate: validateStatefulSetStatusUpdate },
  scale: replicasScale<StatefulSetSpec>((spec) => selectorText(spec?.selector)),
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Number of the pod with ready state',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    },
    ageColumn,
    ...workloadColumns<StatefulSet>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec?.selector,
    ).slice(0, 2),
  ],
})
