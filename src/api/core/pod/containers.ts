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

/** What a pod takes at most at one time: main containers and sidecars, or an init container and the sidecars before it. */
export function mostAtOnce(
  { containers = [], initContainers = [] }: Partial<PodSpec> = {},
  amountOf: (container: Container) => bigint,
): bigint {
  let lasting = 0n
  let largest = 0n
  for (const container of initContainers) {
    const total = lasting + amountOf(container)
    if (isSidecar(container)) lasting = total
    else if (total > largest) largest = total
  }
  for (const container of containers) lasting += amountOf(container)
  return lasting > largest ? lasting : largest
}
