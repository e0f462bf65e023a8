/** HorizontalPodAutoscaler, v1: one target for the use of CPU. It is that of v2, which it is stored as. */
import type { HorizontalPodAutoscaler } from '../../generated/autoscaling.v1.ts'
import type * as v2 from '../../generated/autoscaling.v2.ts'
import { declareResource } from '../../resource.ts'
import { autoscalerColumns, horizontalPodAutoscalerDefinition as current } from '../v2/index.ts'
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from '../v2/validation.ts'
import { fromV2, toV2 } from './conversion.ts'

const { group, kind, plural, singular, namespaced, shortNames = [], categories = [] } = current

export const horizontalPodAutoscalerV1Definition = declareResource<HorizontalPodAutoscaler>({
  group,
  version: 'v1',
  kind,
  plural,
  singular,
  namespaced,
  shortNames,
  categories,
  storedAs: {
    group,
    version: 'v2',
    kind,
    toStored: toV2,
    fromStored: (stored) => fromV2(stored as v2.HorizontalPodAutoscaler),
  },
  setDefaults: ({ spec }) => {
    spec.minReplicas ??= 1
  },
  prepareForCreate: (autoscaler) => {
    autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 }
  },
  validate: (autoscaler) => validateAutoscaler(toV2(autoscaler)),
  prepareForUpdate: (next, old) => {
    if (old.status) next.status = old.status
    else delete next.status
  },
  validateUpdate: (next, old) => validateAutoscalerUpdate(toV2(next), toV2(old)),
  allowUnconditionalUpdate: true,
  status: {
    prepareForUpdate: (next, old) => {
      next.spec = old.spec
    },
    validateUpdate: (next) => validateAutoscalerStatus(toV2(next)),
  },
  columns: autoscalerColumns.map((column) => ({ ...column, cell: (object, now) => column.cell(toV2(object), now) })),
})
