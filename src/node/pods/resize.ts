/**
 * Resizing a pod in place (KEP-1287): whether this node has room for what the pod's spec asks for now, and which running
 * containers still hold something else. Pure.
 */
import { podRequests, resourceAmount } from '../../api/core/pod/requests.ts'
import type { Container, Pod, ResourceRequirements } from '../../api/generated/v1.ts'
import { compareQuantities } from '../../api/machinery/quantity.ts'
import type { Amounts, PodObservation } from '../runtime/contract.ts'
import { isFinished } from './progress.ts'
import { isSidecar } from './restart.ts'

export interface PendingResize {
  /** As in the condition PodResizePending. */
  readonly reason: 'Deferred' | 'Infeasible'
  readonly message: string
}

const resized = ['cpu', 'memory'] as const
type Resized = (typeof resized)[number]

export interface Resize {
  readonly container: Container
  /** Its resizePolicy wants it to begin anew with what it gets. */
  readonly restart: boolean
}

/** Containers whose last run was given other amounts of CPU or memory than the pod says now. */
export function changedContainers(pod: Pod, observed: PodObservation): Resize[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => isSidecar(pod, container))
  return [...sidecars, ...(pod.spec?.containers ?? [])].flatMap((container) => {
    const run = observed.containers.get(container.name)?.current
    const held = run?.resources
    // One that is being stopped gets its new amounts when it begins anew.
    if (!held || (run.stopping && !run.exit)) return []
    const changed = resized.filter((name) => differs(held, container.resources ?? {}, name))
    if (changed.length === 0) return []
    const restart = (container.resizePolicy ?? []).some(
      ({ resourceName, restartPolicy }) =>
        restartPolicy === 'RestartContainer' && changed.some((name) => name === resourceName),
    )
    return { container, restart }
  })
}

function differs(held: Amounts, wanted: ResourceRequirements, name: Resized): boolean {
  return (['requests', 'limits'] as const).some((kind) => {
    const [before, after] = [held[kind]?.[name], wanted[kind]?.[name]]
    if (before === undefined || after === undefined) return before !== after
    return compareQuantities(before, after) !== 0
  })
}

export interface Node {
  readonly allocatable: Readonly<Record<string, string>>
  /** All pods of the node, the pod itself among them. */
  readonly pods: readonly Pod[]
}

/** Why the pod cannot have what it asks for, now or ever; undefined when it can. */
export function refusedResize(pod: Pod, { allocatable, pods }: Node): PendingResize | undefined {
  const others = pods.filter((other) => other.metadata.uid !== pod.metadata.uid && !isFinished(other))
  // What it holds now does not matter, and its last answer even less.
  const wanted = podRequests({ ...pod, status: {} })
  const rows = resized.flatMap((name) => {
    const capacity = allocatable[name]
    if (capacity === undefined) return []
    const used = others.reduce((sum, other) => sum + (podRequests(other).get(name) ?? 0), 0)
    return { name, capacity: resourceAmount(name, capacity), requested: wanted.get(name) ?? 0, used }
  })
  const never = rows.find((row) => row.requested > row.capacity)
  if (never) {
    const message = `Node didn't have enough capacity: ${never.name}, requested: ${never.requested}, capacity: ${never.capacity}`
    return { reason: 'Infeasible', message }
  }
  const full = rows.find((row) => row.requested + row.used > row.capacity)
  if (!full) return undefined
  const amounts = `requested: ${full.requested}, used: ${full.used}, capacity: ${full.capacity}`
  return { reason: 'Deferred', message: `Node didn't have enough resource: ${full.name}, ${amounts}` }
}

/** The pod as it is held: its running containers with what they have. */
export function asHeld(pod: Pod, observed: PodObservation): Pod {
  const held = (containers: readonly Container[]) =>
    containers.map((container) => {
      const { resources } = observed.containers.get(container.name)?.current ?? {}
      return resources ? { ...container, resources } : container
    })
  const { spec } = pod
  if (!spec) return pod
  const { initContainers, containers } = spec
  return {
    ...pod,
    spec: { ...spec, containers: held(containers), ...(initContainers && { initContainers: held(initContainers) }) },
  }
}

/** `Pod resize completed: {"containers":[…],"generation":2}` */
export function resizeMessage(pod: Pod, what: string, error?: string): string {
  const told = (containers: readonly Container[]) => containers.map(({ name, resources = {} }) => ({ name, resources }))
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => isSidecar(pod, container))
  const summary = {
    ...(sidecars.length > 0 && { initContainers: told(sidecars) }),
    containers: told(pod.spec?.containers ?? []),
    generation: pod.metadata.generation ?? 0,
    ...(error && { error }),
  }
  return `Pod resize ${what}: ${JSON.stringify(summary)}`
}
