/** The edge: informers in, EndpointSlice writes out. */
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Pod, Service } from '../../api/generated/v1.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, type Index, startQueue } from '../context.ts'
import { ownSelector, podsOf, servicesOf } from '../endpoints/matching.ts'
import { Pacer } from '../endpoints/pacer.ts'
import { type ServiceSource, serviceSource, watchServices } from '../endpoints/source.ts'
import { TriggerTimes } from '../endpoints/trigger-time.ts'
import { Written } from '../endpoints/written.ts'
import { applySlices } from './apply.ts'
import { hasTopologyMode } from './hints.ts'
import type { Changes } from './pack.ts'
import { reconcileSlices, type SlicesPlan } from './reconcile.ts'
import { isManagedSlice, serviceKeys, slicesByService } from './slice.ts'
import { HintedServices, type ZoneShares, zoneShares } from './topology.ts'

/** Upstream's --concurrent-service-endpoint-syncs. */
const concurrency = 5

const podsByNode: Index<Pod> = { name: 'node', keys: (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []) }

export function startEndpointSliceController(ctx: ControllerContext): void {
  const source: SliceSource = {
    ...serviceSource(ctx),
    pods: ctx.informers.indexed(resources.pods, podsByNode),
    slices: ctx.informers.indexed(resources.endpointSlices, slicesByService),
    nodes: ctx.informers.of(resources.nodes),
  }
  const controller = new EndpointSliceController(ctx, source)
  const queue = startQueue(ctx, {
    name: 'endpointslice',
    reconcile: async (key) => {
      const written = await controller.sync(key)
      if (written !== undefined) pacer.wrote(key, written)
      if (!source.services.get(key)) pacer.forget(key)
    },
    concurrency,
    after: [source.services, source.pods, source.slices, source.nodes],
  })
  const pacer = new Pacer(queue, ctx.clock)
  watchServices(source, (key) => pacer.add(key))
  source.slices.onChange((change) => {
    // A slice that someone changed, deleted, took from us or from its Service is put right.
    if (controller.written.observe(change)) return
    const versions = change.type === 'updated' ? [change.old, change.object] : [change.object]
    for (const key of new Set(versions.filter(isManagedSlice).flatMap(serviceKeys))) pacer.add(key)
  })
  source.nodes.onChange((change) => {
    const zoneChanged = change.type !== 'updated' || zoneOf(change.old) !== zoneOf(change.object)
    if (zoneChanged || isReady(change.old) !== isReady(change.object)) {
      for (const key of controller.nodesChanged()) pacer.add(key)
    }
    if (!zoneChanged || change.type === 'deleted') return
    for (const pod of source.pods.byIndex(podsByNode.name, change.object.metadata.name)) {
      for (const key of servicesOf(source.services, pod)) pacer.add(key)
    }
  })
}

interface SliceSource extends ServiceSource {
  readonly slices: Informer<EndpointSlice>
  readonly nodes: Informer<Node>
}

class EndpointSliceController {
  readonly written: Written<EndpointSlice>
  readonly #ctx: ControllerContext
  readonly #source: SliceSource
  readonly #events: EventRecorder
  readonly #triggerTimes = new TriggerTimes()
  readonly #hinted = new HintedServices()
  #zones: { readonly shares: ZoneShares } | undefined

  constructor(ctx: ControllerContext, source: SliceSource) {
    this.#ctx = ctx
    this.#source = source
    this.#events = ctx.events('endpoint-slice-controller')
    this.written = new Written({ clock: ctx.clock, views: serviceKeys })
  }

  /** Forgets what the zones have to offer; the Services whose hints have become wrong by it. */
  nodesChanged(): string[] {
    this.#zones = undefined
    return this.#hinted.overloaded(() => this.#zoneShares())
  }

  /** The number of endpoints when something was written. */
  async sync(key: string): Promise<number | undefined> {
    const service = this.#source.services.get(key)
    if (!service) {
      // Its slices go with their owner.
      this.#triggerTimes.forget(key)
      this.#hinted.remove(key)
      return undefined
    }
    const existing = this.#slicesOf(key)
    // ExternalName has no endpoints; left-overs of an earlier type go. Without a selector they are the user's.
    if (service.spec?.type === 'ExternalName') {
      return (await this.#apply({ create: [], update: [], delete: existing })) ? 0 : undefined
    }
    if (!ownSelector(service)) return undefined
    try {
      return await this.#write(key, service, existing)
    } catch (error) {
      this.#report(service, error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  async #write(key: string, service: Service, existing: EndpointSlice[]): Promise<number | undefined> {
    const { pods, nodes } = this.#source
    const selected = podsOf(pods, service)
    const trigger = this.#triggerTimes.of(key, service, selected)
    const plan = reconcileSlices({
      service,
      pods: selected,
      node: (name: string) => nodes.get(name),
      existing,
      triggerTime: trigger.time,
      wasHinted: this.#hinted.has(key),
      ...(hasTopologyMode(service) && { zones: this.#zoneShares() }),
    })
    const create = service.metadata.deletionTimestamp ? [] : plan.create
    const wrote = await this.#apply({ ...plan, create })
    trigger.commit()
    this.#tell(key, service, plan)
    return wrote ? selected.length : undefined
  }

  #tell(key: string, service: Service, { hinted, events, skipped }: SlicesPlan): void {
    this.#hinted.remove(key)
    for (const [family, counts] of hinted) this.#hinted.set(key, family, counts)
    for (const { type, reason, message } of events) this.#events.event(asService(service), type, reason, message)
    const { namespace, name } = service.metadata
    // Their Services are looked at again when the node appears.
    for (const podName of skipped) {
      const node = this.#source.pods.get(`${namespace}/${podName}`)?.spec?.nodeName
      this.#report(service, `skipping Pod ${podName} for Service ${namespace}/${name}: Node ${node} Not Found`)
    }
  }

  #report(service: Service, problem: string): void {
    const { namespace, name } = service.metadata
    const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${problem}`
    this.#events.event(asService(service), 'Warning', 'FailedToUpdateEndpointSlices', message)
  }

  #zoneShares(): ZoneShares {
    this.#zones ??= { shares: zoneShares(this.#source.nodes.list()) }
    return this.#zones.shares
  }

  #apply(changes: Changes): Promise<boolean> {
    return applySlices({ client: this.#ctx.client, written: this.written }, changes)
  }

  /** Those this controller manages and nobody is deleting. */
  #slicesOf(key: string): EndpointSlice[] {
    const cached = this.#source.slices.byIndex(slicesByService.name, key)
    return this.written.view(cached, key).filter((slice) => isManagedSlice(slice) && !slice.metadata.deletionTimestamp)
  }
}

/** Objects of a list come without their kind, which Events refer to. */
function asService(service: Service): Service {
  return { ...service, apiVersion: 'v1', kind: 'Service' }
}

function zoneOf({ metadata }: Node): string | undefined {
  return metadata.labels?.['topology.kubernetes.io/zone']
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
}
