/** How `/scale` (autoscaling/v1) maps to what keeps a number of pods by `spec.replicas`. */
import type { Scale } from '../generated/autoscaling.v1.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { Column, ScaleStrategy } from '../resource.ts'
import { ageColumn, nameColumn } from './columns.ts'

const desired = (scale: Scale) => scale.spec?.replicas ?? 0
const available = (scale: Scale) => scale.status?.replicas ?? 0

/** What `kubectl get --subresource=scale` prints. */
export const scaleColumns: readonly Column<KubeObject>[] = [
  { ...nameColumn, format: '' },
  { name: 'Desired', type: 'integer', cell: desired },
  { name: 'Available', type: 'integer', cell: available },
  ageColumn,
]

interface Scaled<S> {
  spec?: S
  status?: { replicas?: number }
}

/** `selectorOf` renders the selector as label-selector text, as `status.selector` of a Scale has it. */
export function replicasScale<S extends { replicas?: number }, T extends Scaled<S> = Scaled<S>>(
  selectorOf: (spec: S | undefined) => string,
): ScaleStrategy<T> {
  return {
    get: ({ spec, status }) => ({
      specReplicas: spec?.replicas ?? 0,
      statusReplicas: status?.replicas ?? 0,
      selector: selectorOf(spec),
    }),
    set: ({ spec }, replicas) => {
      if (spec) spec.replicas = replicas
    },
  }
}
