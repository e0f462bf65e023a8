/**
 * Folds Services, EndpointSlices and this Node into the plans of every service port. `flush` re-plans only Services
 * that were touched since the last one, and reports only what differs.
 */
import type { Endpoint, EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Service } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import type { EndpointState, Place } from '../plan/endpoints.ts'
import { planService } from '../plan/plan.ts'
import { type Family, type PortChange, type PortPlan, planKey } from '../plan/types.ts'
import type { Revisions } from './journal.ts'

const serviceNameLabel = 'kubernetes.io/service-name'
const zoneLabel = 'topology.kubernetes.io/zone'
const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
/** It keeps slices that follow pods. */
const endpointSliceController = 'endpointslice-controller.k8s.io'
const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

/** What one flush found. */
export interface ChangeSet {
  readonly changes: readonly PortChange[]
  /** When the pods behind the changed slices changed, for the network programming latency; each time once. */
  readonly triggerTimes: readonly TriggerTime[]
}

export interface TriggerTime {
  readonly family: Family
  /** RFC 3339. */
  readonly time: string
}

export interface TrackerOptions {
  readonly node: string
  /** Plans are made for these only: those the machine has. */
  readonly families?: readonly Family[]
  /** Milliseconds since the epoch: what happened before is not timed, because nobody was here to answer to it. */
  readonly since?: number
}

export class Tracker {
  readonly #node: string
  readonly #families: readonly Family[]
  readonly #since: number
  #place: Place
  readonly #services = new Map<string, Service>()
  /** Service key → slice key → slice. */
  readonly #slices = new Map<string, Map<string, EndpointSlice>>()
  /** Slice key → the Service it stands under here. */
  readonly #owners = new Map<string, string>()
  /** Service key → its plans by `planKey`. */
  readonly #plans = new Map<string, Map<string, PortPlan>>()
  readonly #dirty = new Set<string>()
  readonly #triggerTimes = new Map<Family, Set<string>>([
    [4, new Set()],
    [6, new Set()],
  ])

  constructor({ node, families = [4, 6], since = 0 }: TrackerOptions) {
    this.#node = node
    this.#families = families
    this.#since = since
    this.#place = { node, zone: '' }
  }

  setService(service: Service): void {
    const key = objectKey(service)
    this.#services.set(key, service)
    this.#dirty.add(key)
  }

  deleteService(service: Service): void {
    const key = objectKey(service)
    this.#services.delete(key)
    this.#dirty.add(key)
  }

  setSlice(slice: EndpointSlice): void {
    const key = objectKey(slice)
    const service = serviceOf(slice)
    if (this.#owners.get(key) !== service) this.deleteSlice(slice)
    if (!service) return
    this.#owners.set(key, service)
    let slices = this.#slices.get(service)
    if (!slices) this.#slices.set(service, (slices = new Map()))
    slices.set(key, slice)
    const triggered = slice.metadata.annotations?.[triggerTimeAnnotation]
    if (triggered && Date.parse(triggered) > this.#since) this.#triggerTimes.get(familyOf(slice))?.add(triggered)
    this.#dirty.add(service)
  }

  deleteSlice(slice: EndpointSlice): void {
    const key = objectKey(slice)
    const service = this.#owners.get(key)
    this.#owners.delete(key)
    const slices = service && this.#slices.get(service)
    if (!slices) return
    slices.delete(key)
    if (slices.size === 0) this.#slices.delete(service)
    this.#dirty.add(service)
  }

  /** Only the node's zone matters; when it changes, every Service is planned anew. */
  setNode(node: Node): void {
    const zone = node.metadata.labels?.[zoneLabel] ?? ''
    if (node.metadata.name !== this.#node || zone === this.#place.zone) return
    this.#place = { node: this.#node, zone }
    for (const key of this.#services.keys()) this.#dirty.add(key)
  }

  get dirty(): boolean {
    return this.#dirty.size > 0
  }

  flush(): ChangeSet {
    const changes: PortChange[] = []
    for (const key of this.#dirty) changes.push(...this.#replan(key))
    this.#dirty.clear()
    const triggerTimes = [...this.#triggerTimes].flatMap(([family, times]) =>
      [...times].map((time) => ({ family, time })),
    )
    for (const times of this.#triggerTimes.values()) times.clear()
    return { changes, triggerTimes }
  }

  /** Everything planned, as of the last flush. */
  *plans(): Iterable<PortPlan> {
    for (const plans of this.#plans.values()) yield* plans.values()
  }

  /** What was planned for one Service. */
  plansOf(service: string): Iterable<PortPlan> {
    return this.#plans.get(service)?.values() ?? []
  }

  /** Keys of the Services that a pod's address is an endpoint of. `ending`: they know that it is terminating. */
  *servicesAt(ip: string): Iterable<{ readonly service: string; readonly ending: boolean }> {
    for (const [service, slices] of this.#slices) {
      const found = [...slices.values()]
        .filter(({ metadata }) => metadata.labels?.[managedByLabel] === endpointSliceController)
        .flatMap(({ endpoints }) => (endpoints ?? []).filter(({ addresses }) => addresses[0] === ip))
      if (found.length > 0) yield { service, ending: found.every(({ conditions }) => conditions?.terminating === true) }
    }
  }

  /** Undefined: there is no such Service. */
  revisions(service: string): Revisions | undefined {
    const object = this.#services.get(service)
    if (!object) return undefined
    const slices = [...(this.#slices.get(service)?.values() ?? [])].map((slice) => ({
      name: slice.metadata.name,
      family: familyOf(slice),
      resourceVersion: slice.metadata.resourceVersion ?? '',
    }))
    return { service: object.metadata.resourceVersion ?? '', slices }
  }

  #replan(key: string): PortChange[] {
    const service = this.#services.get(key)
    const before = this.#plans.get(key) ?? new Map<string, PortPlan>()
    const after = new Map<string, PortPlan>()
    if (service) {
      const endpoints = this.#endpointsOf(key)
      for (const plan of planService(service, endpoints, this.#place))
        if (this.#families.includes(plan.family)) after.set(planKey(plan), plan)
    }
    if (after.size > 0) this.#plans.set(key, after)
    else this.#plans.delete(key)
    return [...difference(before, after)]
  }

  #endpointsOf(key: string) {
    const slices = [...(this.#slices.get(key)?.values() ?? [])]
    return ({ name, protocol, family }: { name: string; protocol: string; family: Family }): EndpointState[] =>
      slices
        .filter((slice) => slice.addressType === (family === 4 ? 'IPv4' : 'IPv6'))
        .flatMap((slice) =>
          (slice.ports ?? [])
            .filter((p) => (p.name ?? '') === name && (p.protocol ?? 'TCP').toLowerCase() === protocol && p.port)
            .flatMap((p) => (slice.endpoints ?? []).map((e) => this.#endpoint(e, p.port ?? 0))),
        )
        .filter((endpoint) => endpoint.ip !== '')
  }

  /** Absent conditions mean ready, serving as ready says, not terminating (discovery.k8s.io/v1 EndpointConditions). */
  #endpoint(endpoint: Endpoint, port: number): EndpointState {
    const { conditions, hints } = endpoint
    const ready = conditions?.ready ?? true
    return {
      ip: endpoint.addresses[0] ?? '',
      port,
      local: endpoint.nodeName === this.#node,
      ready,
      serving: conditions?.serving ?? ready,
      terminating: conditions?.terminating ?? false,
      ...(hints?.forZones && { forZones: hints.forZones.map((z) => z.name) }),
      ...(hints?.forNodes && { forNodes: hints.forNodes.map((n) => n.name) }),
    }
  }
}

/** Key of the Service a slice belongs to. */
export function serviceOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[serviceNameLabel]
  return name && `${slice.metadata.namespace}/${name}`
}

function* difference(
  before: ReadonlyMap<string, PortPlan>,
  after: ReadonlyMap<string, PortPlan>,
): Iterable<PortChange> {
  for (const [key, plan] of before) if (!after.has(key)) yield { id: plan.id, before: plan }
  for (const [key, plan] of after) {
    const old = before.get(key)
    if (!old) yield { id: plan.id, after: plan }
    // Plans are built field by field in one place, so equal plans have equal texts.
    else if (JSON.stringify(old) !== JSON.stringify(plan)) yield { id: plan.id, before: old, after: plan }
  }
}

function familyOf({ addressType }: EndpointSlice): Family {
  return addressType === 'IPv6' ? 6 : 4
}
