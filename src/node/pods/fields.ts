/** Values of a pod that its containers may ask for: fieldRef and resourceFieldRef. Pure. */
import type { Container, Pod, ResourceFieldSelector } from '../../api/generated/v1.ts'

export interface FieldSources {
  readonly pod: Pod
  readonly podIP: string
  readonly nodeIP: string
}

/** A field the API server's validation lets through; '' when the pod has none. */
export function fieldValue(path: string, { pod, podIP, nodeIP }: FieldSources): string {
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
    case 'status.hostIPs':
      return nodeIP
    case 'status.podIP':
    case 'status.podIPs':
      return podIP
    default:
      return ''
  }
}

/** As downward API files hold them: `key="value"`, a line each, sorted. */
function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n')
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** A quantity in its base unit; NaN when it is none. */
export function quantity(text: string): number {
  const match = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([numkMGTPE]?i?)$/.exec(text)
  return match ? Number(match[1]) * (suffixes[match[2] ?? ''] ?? Number.NaN) : Number.NaN
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
  const divisor = quantity(selector.divisor ?? '1') || 1
  return String(Math.ceil(quantity(amount) / divisor))
}
