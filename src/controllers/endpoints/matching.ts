/**
 * Which Services select which pods, without walking all of either: a Service is filed under one `key=value` of its
 * selector, a pod under each of its labels, both per namespace.
 */
import type { Pod, Service } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import type { Index } from '../context.ts'

type Labels = Readonly<Record<string, string>>

/** The selector of a Service whose endpoints are ours to keep; an empty one is none, as after Kubernetes' own decoding. */
export function ownSelector({ spec }: Service): Labels | undefined {
  if (!spec?.selector || spec.type === 'ExternalName') return undefined
  return Object.keys(spec.selector).length > 0 ? spec.selector : undefined
}

function selects(selector: Labels, labels: Labels | undefined): boolean {
  return Object.entries(selector).every(([key, value]) => labels?.[key] === value)
}

const term = (namespace: string | undefined, [key, value]: readonly [string, string]) => `${namespace}/${key}=${value}`

export const podsByLabel: Index<Pod> = {
  name: 'label',
  keys: ({ metadata }) => Object.entries(metadata.labels ?? {}).map((label) => term(metadata.namespace, label)),
}

export const servicesBySelectorTerm: Index<Service> = {
  name: 'selector-term',
  keys: (service) => {
    const filed = filedTerm(service)
    return filed === undefined ? [] : [filed]
  },
}

/** The selector's longest term: the more it says, the fewer others share it. */
function filedTerm(service: Service): string | undefined {
  const selector = ownSelector(service)
  if (!selector) return undefined
  let longest: [string, string] | undefined
  for (const entry of Object.entries(selector)) {
    if (!longest || entry.join('').length > longest.join('').length) longest = entry
  }
  return longest && term(service.metadata.namespace, longest)
}

interface Indexed<T> {
  byIndex(name: string, value: string): T[]
}

/** Keys of the Services that select a pod with these labels. */
export function servicesOf(services: Indexed<Service>, { metadata }: Pod, labels = metadata.labels): string[] {
  return Object.entries(labels ?? {})
    .flatMap((label) => services.byIndex(servicesBySelectorTerm.name, term(metadata.namespace, label)))
    .filter((service) => selects(service.spec?.selector ?? {}, labels))
    .map(objectKey)
}

/** The pods a Service selects, in no order. */
export function podsOf(pods: Indexed<Pod>, service: Service): Pod[] {
  const filed = filedTerm(service)
  if (filed === undefined) return []
  const found = pods.byIndex(podsByLabel.name, filed)
  // The term they are filed under is one of the selector's.
  const selector = service.spec?.selector ?? {}
  if (Object.keys(selector).length === 1) return found
  return found.filter((pod) => selects(selector, pod.metadata.labels))
}

/** Whether a change of a pod can change anyone's endpoints. Status heartbeats and the like are passed over. */
export function podChanged(old: Pod, pod: Pod): boolean {
  if (old.metadata.uid !== pod.metadata.uid || old.metadata.deletionTimestamp !== pod.metadata.deletionTimestamp)
    return true
  return fingerprint(old) !== fingerprint(pod)
}

function fingerprint({ metadata, spec, status }: Pod): string {
  const ready = status?.conditions?.find((c) => c.type === 'Ready')
  return JSON.stringify([
    metadata.labels,
    spec?.nodeName,
    spec?.hostname,
    spec?.subdomain,
    status?.phase,
    status?.podIP,
    status?.podIPs,
    ready?.status,
  ])
}
