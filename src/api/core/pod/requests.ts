/** What a pod takes of its node, as schedulers and nodes count it (resourcehelper.PodRequests). Pure. */
import type { Container, Pod } from '../../generated/v1.ts'
import { quantityMilliValue, quantityValue } from '../../machinery/quantity.ts'
import { podCondition } from './conditions.ts'
import { isSidecar } from './containers.ts'

/** By resource: thousandths of a CPU, otherwise whole units. */
export type Requests = Map<string, number>

export function resourceAmount(name: string, text: string): number {
  return name === 'cpu' ? quantityMilliValue(text) : quantityValue(text)
}

/** Main containers and sidecars together, or the largest init container beside the sidecars before it; and overhead. */
export function podRequests(pod: Pod): Requests {
  const { containers = [], initContainers = [], resources, overhead } = pod.spec ?? {}
  const lasting: Requests = new Map()
  const largest: Requests = new Map()
  for (const container of initContainers) {
    const own = containerRequests(pod, container)
    if (isSidecar(container)) add(lasting, own)
    else raise(largest, add(new Map(lasting), own))
  }
  for (const container of containers) add(lasting, containerRequests(pod, container))
  const total = raise(lasting, largest)
  for (const [name, text] of Object.entries(resources?.requests ?? {})) total.set(name, resourceAmount(name, text))
  return add(total, amounts(overhead))
}

/** A container that is resized takes the larger of what it holds and what it is to get, if it can ever get that. */
function containerRequests(pod: Pod, container: Container): Requests {
  const wanted = amounts(container.resources?.requests)
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]
  const status = statuses.find(({ name }) => name === container.name)
  if (!status?.resources) return wanted
  const held = raise(amounts(status.resources.requests), amounts(status.allocatedResources))
  return podCondition(pod, 'PodResizePending')?.reason === 'Infeasible' ? held : raise(held, wanted)
}

function amounts(list: Readonly<Record<string, string>> = {}): Requests {
  return new Map(Object.entries(list).map(([name, text]) => [name, resourceAmount(name, text)]))
}

function add(to: Requests, more: Requests): Requests {
  for (const [name, amount] of more) to.set(name, (to.get(name) ?? 0) + amount)
  return to
}

function raise(to: Requests, other: Requests): Requests {
  for (const [name, amount] of other) to.set(name, Math.max(to.get(name) ?? 0, amount))
  return to
}

interface HostPort {
  readonly ip: string
  readonly protocol: string
  readonly port: number
}

/** A port of the node that the pod takes is one that another takes there. */
export function hostPortsClash(pod: Pod, others: readonly Pod[]): boolean {
  const wanted = hostPorts(pod)
  if (wanted.length === 0) return false
  return others.flatMap(hostPorts).some((used) => wanted.some((port) => samePort(port, used)))
}

/** Of containers that last as long as the pod. On the host network every container port is one. */
function hostPorts({ spec }: Pod): HostPort[] {
  const lasting = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(isSidecar)]
  return lasting.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, hostIP, protocol = 'TCP' }) => {
      const port = hostPort ?? (spec?.hostNetwork ? containerPort : 0)
      return port > 0 ? [{ ip: hostIP || anyAddress, protocol, port }] : []
    }),
  )
}

const anyAddress = '0.0.0.0'

function samePort(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress
  return sameAddress && a.protocol === b.protocol && a.port === b.port
}
