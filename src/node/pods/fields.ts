/** Values of a pod that its containers may ask for: fieldRef and resourceFieldRef. Pure. */
import type { Container, Pod, ResourceFieldSelector } from '../../api/generated/v1.ts'
import { parseQuantity } from '../../api/machinery/quantity.ts'

export interface FieldSources {
  readonly pod: Pod
  /** Primary first. */
  readonly podIPs: readonly string[]
  readonly nodeIPs: readonly string[]
}

/** A field the API server's validation lets through; '' when the pod has none. */
export function fieldValue(path: string, { pod, podIPs, nodeIPs }: FieldSources): string {
  const { metadata, spec } = pod
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (subscript) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2] ?? ''] ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid ?? ''
    case 'metadata.labels':
      return formatMap(metadata.labels)
    case 'metadata.annotations':
      return formatMap(metadata.annotations)
    case 'spec.nodeName':
      return spec?.nodeName ?? ''
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? ''
    case 'status.hostIP':
      return nodeIPs[0] ?? ''
    case 'status.hostIPs':
      return nodeIPs.join(',')
    case 'status.podIP':
      return podIPs[0] ?? ''
    case 'status.podIPs':
      return podIPs.join(',')
    default:
      return ''
  }
}

/** How Events name a container. */
export function fieldPath(container: string): string {
  return `spec.containers{${container}}`
}

/** As downward API files hold them: `key="value"`, a line each, sorted. */
function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n')
}

/** Rounded up to the divisor, as the kubelet does. */
export function resourceValue(selector: ResourceFieldSelector, container: Container, pod: Pod): string {
  const chosen = selector.containerName
    ? [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
        ({ name }) => name === selector.containerName,
      )
    : container
  const [kind, ...rest] = selector.resource.split('.')
  const resources = chosen?.resources
  const amount = (kind === 'limits' ? resources?.limits : resources?.requests)?.[rest.join('.')] ?? '0'
  const divisor = parseQuantity(selector.divisor ?? '1').nano || parseQuantity('1').nano
  return String((parseQuantity(amount).nano + divisor - 1n) / divisor)
}
