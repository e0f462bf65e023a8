/** How `/scale` (autoscaling/v1) maps to what keeps a number of pods by `spec.replicas`. */
import type { ScaleStrategy } from '../resource.ts'

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
