/** The claims behind a pod's volumes: those it names, and those that are made for it and go with it (KEP-1698). */
import type { PersistentVolumeClaim, Pod, Volume } from '../../generated/v1.ts'
import { controllerOf } from '../../machinery/object.ts'

/** The name of the claim behind a volume; undefined: it is no claim's. */
export function claimNameOf({ metadata }: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined {
  return persistentVolumeClaim?.claimName ?? (ephemeral && ephemeralClaimName(metadata.name, name))
}

export function ephemeralClaimName(pod: string, volume: string): string {
  return `${pod}-${volume}`
}

/** Why a claim is not the one made for a volume of this pod; undefined: it is, or the volume names it. */
export function claimProblem(pod: Pod, { ephemeral }: Volume, { metadata }: PersistentVolumeClaim): string | undefined {
  if (!ephemeral || controllerOf({ metadata })?.uid === pod.metadata.uid) return undefined
  const { namespace, name } = pod.metadata
  return `PVC ${metadata.namespace}/${metadata.name} was not created for pod ${namespace}/${name} (pod is not owner)`
}
