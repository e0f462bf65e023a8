/** The containers of a pod spec, of all three kinds. */
import type { Container, EphemeralContainer, PodSpec } from '../../generated/v1.ts'

/** Init, regular and ephemeral ones, in this order. */
export function allContainers(spec: PodSpec): (Container | EphemeralContainer)[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
}

/** An init container that keeps running beside the others (KEP-753). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always'
}
