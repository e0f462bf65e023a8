/** Values of a pod that its containers may ask for: fieldRef and resourceFieldRef. Pure. */
import type { Container, Pod, ResourceFieldSelector } from '../../api/generated/v1.ts'
import { parseQuantity } from '../../api/machinery/quantity.ts'

export interface FieldSources {
  readonly pod: Pod
  /** Primary first. */
  readonly podIPs: readonly string[]
  readonly nodeIPs: readonly string[]
  /** What the node has, by resource name: the limit of containers that have none. */
  readonly allocatable: Readonly<Record<string, string>>
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
export function fieldPath({ spec }: Pod, container: string): string {
  const has = (list: readonly { readonly name: string }[] = []) => list.some(({ name }) => name === container)
  const list = has(spec?.initContainers)
    ? 'initContainers'
    : has(spec?.containers)
      ? 'containers'
      : 'ephemeralContainers'
  return `spec.${list}{${container}}`
}

/** As downward API files hold them: `key="value"`, a line each, sorted. */
function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${quoted(map[key] ?? '')}`)
    .join('\n')
}

const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/** Go's `%q`: what cannot be seen is spelled out. */
function quoted(text: string): string {
  const visible = text.replace(/["\\]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    const digits = code.toString(16)
    if (code < 0x80) return escapes[character] ?? `\\x${digits.padStart(2, '0')}`
    return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`
  })
  return `"${visible}"`
}

/** Limits a container has all the same: it cannot use more than the node has. */
const limitedByNode = ['cpu', 'memory', 'ephemeral-storage']

/** Rounded up to the divisor, as the kubelet does. */
export function resourceValue(
  selector: ResourceFieldSelector,
  container: Container,
  { pod, allocatable }: Pick<FieldSources, 'pod' | 'allocatable'>,
): string {
  const chosen = selector.containerName
    ? [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
        ({ name }) => name === selector.containerName,
      )
    : container
  const [kind, ...rest] = selector.resource.split('.')
  const name = rest.join('.')
  const own = (kind === 'limits' ? chosen?.resources?.limits : chosen?.resources?.requests)?.[name]
  const inherited = kind === 'limits' && limitedByNode.includes(name) ? allocatable[name] : undefined
  const divisor = parseQuantity(selector.divisor ?? '1').nano || parseQuantity('1').nano
  return String((parseQuantity(own ?? inherited ?? '0').nano + divisor - 1n) / divisor)
}
