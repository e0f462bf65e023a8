/** DaemonSet: one pod of a template on every node that fits. */
import { ageColumn, formatLabels, nameColumn, workloadColumns } from '../../common/columns.ts'
import { bumpGeneration, keepSpec, keepStatus, sameValue, startGeneration } from '../../common/strategy.ts'
import { setTemplateDefaults, templateWarnings } from '../../core/pod/template.ts'
import type { DaemonSet, DaemonSetSpec, DaemonSetStatus } from '../../generated/apps.v1.ts'
import type { Column } from '../../resource.ts'
import { declareResource } from '../../resource.ts'
import { validateDaemonSet, validateDaemonSetStatusUpdate, validateDaemonSetUpdate } from './validation.ts'

function setDefaults(set: DaemonSet): void {
  const spec = (set.spec ??= {} as DaemonSetSpec)
  setTemplateDefaults(spec)
  const strategy = (spec.updateStrategy ??= {})
  strategy.type ||= 'RollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    const rolling = (strategy.rollingUpdate ??= {})
    rolling.maxUnavailable ??= 1
    rolling.maxSurge ??= 0
  }
  spec.revisionHistoryLimit ??= 10
}

/** Counts templates as `metadata.generation` counts specs; older than ControllerRevisions, and still on every pod. */
const templateGeneration = 'deprecated.daemonset.template.generation'

function setTemplateGeneration(set: DaemonSet, generation: number): void {
  set.metadata.annotations = { ...set.metadata.annotations, [templateGeneration]: String(generation) }
}

function keepTemplateGeneration(next: DaemonSet, old: DaemonSet): void {
  const before = Number.parseInt(old.metadata.annotations?.[templateGeneration] ?? '1', 10) || 1
  setTemplateGeneration(next, sameValue(next.spec?.template, old.spec?.template) ? before : before + 1)
}

const emptyStatus = (): DaemonSetStatus => ({
  currentNumberScheduled: 0,
  desiredNumberScheduled: 0,
  numberMisscheduled: 0,
  numberReady: 0,
})

type Count =
  | 'desiredNumberScheduled'
  | 'currentNumberScheduled'
  | 'numberReady'
  | 'updatedNumberScheduled'
  | 'numberAvailable'

function countColumn(name: string, field: Count): Column<DaemonSet> {
  return { name, type: 'integer', cell: ({ status }) => status?.[field] ?? 0 }
}

export const daemonSetDefinition = declareResource<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  namespaced: true,
  shortNames: ['ds'],
  categories: ['all'],
  setDefaults,
  prepareForCreate: (set) => {
    set.status = emptyStatus()
    startGeneration(set)
    setTemplateGeneration(set, 1)
  },
  validate: validateDaemonSet,
  warningsOnCreate: ({ spec }) => templateWarnings(spec),
  warningsOnUpdate: ({ spec }) => templateWarnings(spec),
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
    keepTemplateGeneration(next, old)
  },
  validateUpdate: validateDaemonSetUpdate,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec, validateUpdate: validateDaemonSetStatusUpdate },
  columns: [
    nameColumn,
    countColumn('Desired', 'desiredNumberScheduled'),
    countColumn('Current', 'currentNumberScheduled'),
    countColumn('Ready', 'numberReady'),
    countColumn('Up-to-date', 'updatedNumberScheduled'),
    countColumn('Available', 'numberAvailable'),
    { name: 'Node Selector', type: 'string', cell: ({ spec }) => formatLabels(spec?.template?.spec?.nodeSelector) },
    ageColumn,
    ...workloadColumns<DaemonSet>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec?.selector,
    ),
  ],
})
