/** The containers of a pod spec, of all three kinds, with their paths. */
import type { Container, EphemeralContainer, PodSpec } from '../../generated/v1.ts'
import type { Path } from '../../machinery/field.ts'

export interface PlacedContainer {
  readonly container: Container | EphemeralContainer
  readonly path: Path
  readonly kind: 'init' | 'regular' | 'ephemeral'
}

export function placedContainers(spec: PodSpec, path: Path): PlacedContainer[] {
  const place = (field: 'initContainers' | 'containers' | 'ephemeralContainers', kind: PlacedContainer['kind']) =>
    (spec[field] ?? []).map((container, i) => ({ container, kind, path: path.child(field).index(i) }))
  return [
    ...place('initContainers', 'init'),
    ...place('containers', 'regular'),
    ...place('ephemeralContainers', 'ephemeral'),
  ]
}

export function allContainers(spec: PodSpec): (Container | EphemeralContainer)[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
}

/** An init container that keeps running beside the others (KEP-753). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always'
}
