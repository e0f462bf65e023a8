/** What is legal in a Service and yet of no use. Pure; each warning is a sentence for the user. */
import {
  declaredPorts,
  localAdvice,
  portTitle,
  type ServiceView,
  selectedPods,
  selectorAdvice,
  targetPortAdvice,
  targetPortText,
} from '../api/core/service/advice.ts'
import type { EndpointSlice } from '../api/generated/discovery.k8s.io.v1.ts'
import type { Pod, Service, ServicePort } from '../api/generated/v1.ts'

export function serviceWarnings(view: ServiceView): string[] {
  const { service } = view
  if (service.spec?.type === 'ExternalName') return []
  const chosen = selectedPods(view)
  return [
    ...emptyWarnings(view, chosen),
    ...(service.spec?.ports ?? []).flatMap((port) => portWarnings(port, chosen)),
    ...localAdvice(view).map(({ message }) => message),
    ...addressWarnings(service),
  ]
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
  if (Object.keys(service.spec?.selector ?? {}).length === 0) {
    if (ready + notReady > 0) return []
    return [
      `It has no selector and no endpoints: an EndpointSlice labelled kubernetes.io/service-name=${name} gives it some.`,
    ]
  }
  if (chosen.length === 0) return selectorAdvice(service, chosen).map(({ message }) => message)
  if (ready > 0) return []
  const pods = chosen.length === 1 ? 'Its only pod is' : `None of its ${chosen.length} pods is`
  return [
    `${pods}${chosen.length === 1 ? ' not' : ''} ready: see kubectl describe pod -n ${namespace} ${nameOf(chosen[0])}.`,
  ]
}

const nameOf = (pod: Pod | undefined) => pod?.metadata.name ?? ''

/** A named target port must be a container port's name; a number need not be declared, but is likely to be. */
function portWarnings(port: ServicePort, chosen: readonly Pod[]): string[] {
  const target = port.targetPort ?? port.port
  if (typeof target === 'string') {
    const [nowhere] = targetPortAdvice(port, chosen)
    if (nowhere) return [nowhere.message]
    const without = chosen.filter((pod) => !declaredPorts(pod, port).some(({ name }) => name === target))
    return without.length > 0 ? [targetPortText(port, `${without.map(nameOf).join(', ')} has not`)] : []
  }
  const declared = chosen.map((pod) => declaredPorts(pod, port))
  const open = declared.some((ports) => ports.length === 0)
  if (chosen.length === 0 || open || declared.flat().some(({ containerPort }) => containerPort === target)) return []
  return [`${portTitle(port)} goes to port ${target}, which no container of its pods declares.`]
}

function addressWarnings({ spec, status }: Service): string[] {
  if (spec?.type !== 'LoadBalancer' || (status?.loadBalancer?.ingress ?? []).length > 0) return []
  return ['It has no load-balancer address yet: nothing has given it one.']
}
