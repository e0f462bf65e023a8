/** What is legal in a Service and yet of no use. Pure; each warning is a sentence for the user. */
import type { EndpointSlice } from '../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Pod, Service, ServicePort } from '../api/generated/v1.ts'

/** The Service, and what else there is in its namespace. */
export interface ServiceView {
  readonly service: Service
  readonly slices: readonly EndpointSlice[]
  readonly pods: readonly Pod[]
  readonly nodes: readonly Node[]
}

export function serviceWarnings(view: ServiceView): string[] {
  const { service } = view
  if (service.spec?.type === 'ExternalName') return []
  const chosen = selectedPods(view)
  return [
    ...emptyWarnings(view, chosen),
    ...(service.spec?.ports ?? []).flatMap((port) => portWarnings(port, chosen)),
    ...policyWarnings(view),
    ...addressWarnings(service),
  ]
}

/** Running or on the way: what has ended stands behind nothing. */
export function selectedPods({ service, pods }: Pick<ServiceView, 'service' | 'pods'>): Pod[] {
  const selector = Object.entries(service.spec?.selector ?? {})
  if (selector.length === 0) return []
  return pods.filter(
    ({ metadata, status }) =>
      status?.phase !== 'Succeeded' &&
      status?.phase !== 'Failed' &&
      selector.every(([key, value]) => metadata.labels?.[key] === value),
  )
}

export interface EndpointCounts {
  readonly ready: number
  readonly notReady: number
}

/** Distinct ones: an endpoint stands in a slice for each set of ports. */
export function countEndpoints(slices: readonly EndpointSlice[]): EndpointCounts {
  const all = new Map<string, boolean>()
  for (const { conditions, addresses } of slices.flatMap((slice) => slice.endpoints ?? [])) {
    const [address = ''] = addresses
    all.set(address, (conditions?.ready ?? true) || all.get(address) === true)
  }
  const ready = [...all.values()].filter(Boolean).length
  return { ready, notReady: all.size - ready }
}

function emptyWarnings({ service, slices }: ServiceView, chosen: readonly Pod[]): string[] {
  const { ready, notReady } = countEndpoints(slices)
  const { namespace, name } = service.metadata
  const selector = Object.entries(service.spec?.selector ?? {})
  if (selector.length === 0) {
    if (ready + notReady > 0) return []
    return [
      `It has no selector and no endpoints: an EndpointSlice labelled kubernetes.io/service-name=${name} gives it some.`,
    ]
  }
  if (chosen.length === 0) {
    const text = selector.map(([key, value]) => `${key}=${value}`).join(',')
    return [`Its selector ${text} matches no pod in namespace ${namespace}.`]
  }
  if (ready > 0) return []
  const pods = chosen.length === 1 ? 'Its only pod is' : `None of its ${chosen.length} pods is`
  return [
    `${pods}${chosen.length === 1 ? ' not' : ''} ready: see kubectl describe pod -n ${namespace} ${nameOf(chosen[0])}.`,
  ]
}

const nameOf = (pod: Pod | undefined) => pod?.metadata.name ?? ''

/** A named target port must be a container port's name; a number need not be declared, but is likely to be. */
function portWarnings(port: ServicePort, chosen: readonly Pod[]): string[] {
  if (chosen.length === 0) return []
  const target = port.targetPort ?? port.port
  const protocol = port.protocol ?? 'TCP'
  const declared = (pod: Pod) =>
    [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
      .flatMap(({ ports }) => ports ?? [])
      .filter((one) => (one.protocol ?? 'TCP') === protocol)
  const what = `${protocol} port ${port.port}${port.name ? ` (${port.name})` : ''}`
  if (typeof target === 'string') {
    const without = chosen.filter((pod) => !declared(pod).some(({ name }) => name === target))
    if (without.length === 0) return []
    const who = without.length === chosen.length ? 'no pod of it has' : `${without.map(nameOf).join(', ')} has not`
    return [`${what} goes to the container port named ${JSON.stringify(target)}, which ${who}.`]
  }
  const says = chosen.filter((pod) => declared(pod).length > 0)
  if (says.length < chosen.length || says.some((pod) => declared(pod).some((one) => one.containerPort === target)))
    return []
  return [`${what} goes to port ${target}, which no container of its pods declares.`]
}

function policyWarnings({ service, slices, nodes }: ServiceView): string[] {
  const { spec } = service
  const { ready } = countEndpoints(slices)
  if (ready === 0) return []
  const served = new Set(
    slices
      .flatMap((slice) => slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready ?? true)
      .map(({ nodeName }) => nodeName),
  )
  const bare = nodes.map(({ metadata }) => metadata.name).filter((name) => !served.has(name))
  if (bare.length === 0) return []
  const where = bare.join(', ')
  return [
    ...(spec?.externalTrafficPolicy === 'Local'
      ? [`externalTrafficPolicy is Local: no ready pod of it is on ${where}, where packets from outside are dropped.`]
      : []),
    ...(spec?.internalTrafficPolicy === 'Local'
      ? [`internalTrafficPolicy is Local: no ready pod of it is on ${where}, where clients get no answer.`]
      : []),
  ]
}

function addressWarnings({ spec, status }: Service): string[] {
  if (spec?.type !== 'LoadBalancer' || (status?.loadBalancer?.ingress ?? []).length > 0) return []
  return ['It has no load-balancer address yet: nothing has given it one.']
}
