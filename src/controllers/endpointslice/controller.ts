/** The edge: informers in, EndpointSlice writes out. */
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Pod, Service } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { Informer } from '../../client/informer.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, type Index, startQueue } from '../context.ts'
import { isNamespaceTerminating } from '../endpoints/controller.ts'
import { ownSelector, podsOf, servicesOf } from '../endpoints/matching.ts'
import { Pacer } from '../endpoints/pacer.ts'
import { type ServiceSource, serviceSource, watchServices } from '../endpoints/source.ts'
import { TriggerTimes } from '../endpoints/trigger-time.ts'
import { Written } from '../endpoints/written.ts'
import type { Changes } from './pack.ts'
import { reconcileSlices } from './reconcile.ts'
import { forWriting, isManagedSlice, serviceNameLabel } from './slice.ts'

/** Upstream's --concurrent-service-endpoint-syncs. */
const concurrency = 5

/** Slices by the Service they say they belong to. */
const slicesByService: Index<EndpointSlice> = { name: 'service', keys: (slice) => serviceKeys(slice) }

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
      if (await controller.sync(key)) pacer.wrote(key)
      if (!source.services.get(key)) pacer.forget(key)
    },
    concurrency,
    after: [source.services, source.pods, source.slices, source.nodes],
  })
  const pacer = new Pacer(queue, ctx.clock)
  watchServices(source, (key) => pacer.add(key))
  source.slices.onChange((change) => {
    // A slice that someone changed or deleted is put right.
    if (controller.written.observe(change) || !isManagedSlice(change.object)) return
    for (const key of serviceKeys(change.object)) pacer.add(key)
  })
  source.nodes.onChange((change) => {
    if (change.type === 'deleted' || (change.type === 'updated' && zone(change.old) === zone(change.object))) return
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
  readonly #triggerTimes = new TriggerTimes()

  constructor(ctx: ControllerContext, source: SliceSource) {
    this.#ctx = ctx
    this.#source = source
    this.written = new Written(ctx.clock)
  }

  /** True when something was written. */
  async sync(key: string): Promise<boolean> {
    const service = this.#source.services.get(key)
    if (!service) {
      // Its slices go with their owner.
      this.#triggerTimes.forget(key)
      return false
    }
    const existing = this.#slicesOf(key)
    // ExternalName has no endpoints; left-overs of an earlier type go. Without a selector they are the user's.
    if (service.spec?.type === 'ExternalName') {
      return this.#apply({ create: [], update: [], delete: existing })
    }
    if (!ownSelector(service)) return false
    return this.#write(key, service, existing)
  }

  async #write(key: string, service: Service, existing: EndpointSlice[]): Promise<boolean> {
    const { pods, nodes } = this.#source
    const selected = podsOf(pods, service)
    const trigger = this.#triggerTimes.of(key, service, selected)
    const node = (name: string) => nodes.get(name)
    const plan = reconcileSlices({ service, pods: selected, node, existing, triggerTime: trigger.time })
    if (plan.skipped.length > 0) {
      this.#ctx.log.info({ service: key, pods: plan.skipped }, 'pods left out of endpoints: their node is not known')
    }
    const create = service.metadata.deletionTimestamp ? [] : plan.create
    const wrote = await this.#apply({ ...plan, create })
    trigger.commit()
    return wrote
  }

  async #apply(changes: Changes): Promise<boolean> {
    const { client } = this.#ctx
    const write = async (slice: EndpointSlice, how: 'create' | 'update') => {
      try {
        this.written.put(await client[how](resources.endpointSlices, forWriting(slice)))
      } catch (error) {
        if (how === 'create' && isNamespaceTerminating(error)) return
        this.written.forget(objectKey(slice))
        throw error
      }
    }
    await Promise.all([
      ...changes.create.map((slice) => write(slice, 'create')),
      ...changes.update.map((slice) => write(slice, 'update')),
      ...changes.delete.map((slice) => this.#delete(slice)),
    ])
    return changes.create.length + changes.update.length + changes.delete.length > 0
  }

  async #delete(slice: EndpointSlice): Promise<void> {
    const { name, namespace, uid } = slice.metadata
    const at = { name, ...(namespace && { namespace }) }
    try {
      await this.#ctx.client.delete(resources.endpointSlices, at, { ...(uid && { preconditions: { uid } }) })
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error
    }
    this.written.delete(slice)
  }

  /** Those this controller manages and nobody is deleting. */
  #slicesOf(key: string): EndpointSlice[] {
    const cached = this.#source.slices.byIndex(slicesByService.name, key)
    return this.written
      .view(cached, (slice) => serviceKeys(slice).includes(key))
      .filter((slice) => isManagedSlice(slice) && !slice.metadata.deletionTimestamp)
  }
}

function serviceKeys({ metadata }: EndpointSlice): string[] {
  const name = metadata.labels?.[serviceNameLabel]
  return name ? [`${metadata.namespace}/${name}`] : []
}

function zone({ metadata }: Node): string | undefined {
  return metadata.labels?.['topology.kubernetes.io/zone']
}
