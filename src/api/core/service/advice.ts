/**
 * What is legal in a Service and yet most likely not meant: it selects no pod, a target port that no pod has, `Local`
 * without a local pod. Pure; the words for users are stated here once, for Events and the command line.
 */
import type { EndpointSlice } from '../../generated/discovery.k8s.io.v1.ts'
import type { ContainerPort, Node, Pod, Service, ServicePort } from '../../generated/v1.ts'
import { isPodTerminal } from '../pod/conditions.ts'

/** The Service, and what else there is: pods of its namespace, its slices, nodes that ought to serve it. */
export interface ServiceView {
  readonly service: Service
  readonly slices: readonly EndpointSlice[]
  readonly pods: readonly Pod[]
  readonly nodes: readonly Node[]
}

export interface ServiceAdvice {
  readonly type: 'Normal' | 'Warning'
  readonly reason: 'NoMatchingPods' | 'TargetPortNotFound' | 'NoLocalEndpoints'
  /** A sentence. */
  readonly message: string
  /** Another one, which may help to find the mistake. */
  readonly hint?: string
}

/** Everything there is to say; several of one reason are about different ports or policies. */
export function serviceAdvice(view: ServiceView): ServiceAdvice[] {
  const { service } = view
  if (service.spec?.type === 'ExternalName') return []
  const chosen = selectedPods(view)
  return [
    ...selectorAdvice(service, chosen),
    ...(service.spec?.ports ?? []).flatMap((port) => targetPortAdvice(port, chosen)),
    ...localAdvice(view),
  ]
}

/** Running or on the way: what has ended stands behind nothing. */
export function selectedPods({ service, pods }: Pick<ServiceView, 'service' | 'pods'>): Pod[] {
  const selector = Object.entries(service.spec?.selector ?? {})
  if (selector.length === 0) return []
  return pods.filter(
    (pod) => !isPodTerminal(pod) && selector.every(([key, value]) => pod.metadata.labels?.[key] === value),
  )
}

export function selectorAdvice({ metadata, spec }: Service, chosen: readonly Pod[]): ServiceAdvice[] {
  const selector = Object.entries(spec?.selector ?? {})
  if (selector.length === 0 || chosen.length > 0) return []
  const text = selector.map(([key, value]) => `${key}=${value}`).join(',')
  const message = `Its selector ${text} matches no pod in namespace ${metadata.namespace}.`
  return [{ type: 'Warning', reason: 'NoMatchingPods', message }]
}

/** A named target port must be the name of a port of some pod's container. */
export function targetPortAdvice(port: ServicePort, chosen: readonly Pod[]): ServiceAdvice[] {
  const { targetPort } = port
  if (typeof targetPort !== 'string' || chosen.length === 0) return []
  const declared = chosen.flatMap((pod) => declaredPorts(pod, port))
  if (declared.some(({ name }) => name === targetPort)) return []
  const names = [...new Set(declared.flatMap(({ name }) => name || []))].sort()
  const hint =
    names.length > 0
      ? `Ports that its pods name: ${shortList(names)}.`
      : `Its pods name no ${port.protocol ?? 'TCP'} port.`
  return [{ type: 'Warning', reason: 'TargetPortNotFound', message: targetPortText(port, 'no pod of it has'), hint }]
}

/** `who` ends the sentence: `no pod of it has`. */
export function targetPortText(port: ServicePort, who: string): string {
  return `${portTitle(port)} goes to the container port named ${JSON.stringify(port.targetPort)}, which ${who}.`
}

export function portTitle({ protocol = 'TCP', port, name }: ServicePort): string {
  return `${protocol} port ${port}${name ? ` (${name})` : ''}`
}

/** Ports of the same protocol that the pod's containers declare, and its sidecars (restartable init containers). */
export function declaredPorts({ spec }: Pod, { protocol = 'TCP' }: ServicePort): ContainerPort[] {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...(spec?.containers ?? []), ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .filter((declared) => (declared.protocol ?? 'TCP') === protocol)
}

export function hasLocalPolicy({ spec }: Service): boolean {
  return spec?.externalTrafficPolicy === 'Local' || spec?.internalTrafficPolicy === 'Local'
}

/** Where nothing is ready anywhere, the policy is not to blame. */
export function localAdvice({ service, slices, nodes }: ServiceView): ServiceAdvice[] {
  if (!hasLocalPolicy(service)) return []
  const ready = slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true)
  if (ready.length === 0) return []
  const served = new Set(ready.map(({ nodeName }) => nodeName))
  const bare = nodes.flatMap(({ metadata }) => (served.has(metadata.name) ? [] : metadata.name)).sort()
  if (bare.length === 0) return []
  const { externalTrafficPolicy, internalTrafficPolicy } = service.spec ?? {}
  const said = (policy: string, effect: string): ServiceAdvice => {
    const message = `${policy} is Local: no ready pod of it is on ${shortList(bare)}, where ${effect}.`
    return { type: 'Normal', reason: 'NoLocalEndpoints', message }
  }
  return [
    ...(externalTrafficPolicy === 'Local' ? [said('externalTrafficPolicy', 'packets from outside are dropped')] : []),
    ...(internalTrafficPolicy === 'Local' ? [said('internalTrafficPolicy', 'clients get no answer')] : []),
  ]
}

const shownMax = 10

function shortList(names: readonly string[]): string {
  const more = names.length - shownMax
  return `${names.slice(0, shownMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
