/** HorizontalPodAutoscaler, v2: any number of metrics. */
import { ageColumn, nameColumn } from '../../common/columns.ts'
import { keepSpec, keepStatus } from '../../common/strategy.ts'
import type { HorizontalPodAutoscaler, HPAScalingRules } from '../../generated/autoscaling.v2.ts'
import type { Column } from '../../resource.ts'
import { declareResource } from '../../resource.ts'
import { targetsText } from './columns.ts'
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from './validation.ts'

const defaultCpuUtilization = 80

/** What may be done within 15 seconds where nobody says otherwise. */
const defaultRules = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  },
  scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
} as const satisfies Record<string, HPAScalingRules | object>

function setAutoscalerDefaults({ spec }: HorizontalPodAutoscaler): void {
  spec.minReplicas ??= 1
  if (!spec.metrics?.length) {
    const target = { type: 'Utilization', averageUtilization: defaultCpuUtilization }
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }]
  }
  const { behavior } = spec
  if (!behavior) return
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    behavior[direction] = { ...structuredClone<HPAScalingRules>(defaultRules[direction]), ...behavior[direction] }
  }
}

export const autoscalerColumns: readonly Column<HorizontalPodAutoscaler>[] = [
  nameColumn,
  { name: 'Reference', type: 'string', cell: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}` },
  { name: 'Targets', type: 'string', cell: targetsText },
  { name: 'MinPods', type: 'string', cell: ({ spec }) => String(spec.minReplicas ?? '<unset>') },
  { name: 'MaxPods', type: 'string', cell: ({ spec }) => spec.maxReplicas },
  { name: 'Replicas', type: 'string', cell: ({ status }) => status?.currentReplicas ?? 0 },
  ageColumn,
]

export const horizontalPodAutoscalerDefinition = declareResource<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  namespaced: true,
  shortNames: ['hpa'],
  categories: ['all'],
  setDefaults: setAutoscalerDefaults,
  prepareForCreate: (autoscaler) => {
    autoscaler.status = { desiredReplicas: 0 }
  },
  validate: validateAutoscaler,
  prepareForUpdate: keepStatus,
  validateUpdate: validateAutoscalerUpdate,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec, validateUpdate: validateAutoscalerStatus },
  columns: autoscalerColumns,
})
