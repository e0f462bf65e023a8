/** What is accepted in a pod but probably not meant. */
import type { Container, EphemeralContainer, Pod, PodSpec } from '../../generated/v1.ts'

type Named = Container | EphemeralContainer

export function podWarnings(pod: Pod): string[] {
  return pod.spec && !pod.metadata.deletionTimestamp ? podSpecWarnings(pod.spec, 'spec') : []
}

/** `path` is where the spec stands: `spec`, or `spec.template.spec` in a workload. */
export function podSpecWarnings(spec: PodSpec, path: string): string[] {
  return [
    ...(spec.initContainers ?? []).flatMap((one, i) => containerWarnings(one, `${path}.initContainers[${i}]`)),
    ...(spec.containers ?? []).flatMap((one, i) => containerWarnings(one, `${path}.containers[${i}]`)),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
  ]
}

function containerWarnings(container: Named, path: string): string[] {
  return [...hiddenVariables(container, path), ...repeatedPorts(container, path)]
}

/** The last variable of a name counts. */
function hiddenVariables({ env = [] }: Named, path: string): string[] {
  const seen = new Set<string>()
  return env.flatMap(({ name, value }, i) => {
    const hides = seen.has(name) && !value?.includes(`$(${name})`)
    seen.add(name)
    return hides
      ? [`${path}.env[${i}]: hides previous definition of "${name}", which may be dropped when using apply`]
      : []
  })
}

function repeatedPorts({ ports = [] }: Named, path: string): string[] {
  const seen = new Map<string, number>()
  return ports.flatMap(({ containerPort, protocol, hostPort, hostIP }, i) => {
    const key = `${containerPort}/${protocol}/${hostPort ?? 0}/${hostIP ?? ''}`
    const before = seen.get(key)
    if (before !== undefined) {
      return [`${path}.ports[${i}]: duplicate port definition with ${path}.ports[${before}]`]
    }
    seen.set(key, i)
    return []
  })
}
