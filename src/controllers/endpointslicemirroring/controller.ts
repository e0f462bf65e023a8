/** The edge: informers in, EndpointSlice writes out. */
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Endpoints, Service } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { Written } from '../endpoints/written.ts'
import { applySlices } from '../endpointslice/apply.ts'
import { serviceKeys, slicesByService } from '../endpointslice/slice.ts'
import { addressesPerSubsetMax, isMirrored, type MirrorPlan, mirror, shouldMirror } from './mirror.ts'

/** Upstream's --mirroring-concurrent-service-endpoint-syncs. */
const concurrency = 5

export function startEndpointSliceMirroringController(ctx: ControllerContext): void {
  const { informers } = ctx
  const source: MirrorSource = {
    services: informers.of(resources.services),
    endpoints: informers.of(resources.endpoints),
    slices: informers.indexed(resources.endpointSlices, slicesByService),
  }
  const controller = new MirroringController(ctx, source)
  const queue = startQueue(ctx, {
    name: 'endpointslicemirroring',
    reconcile: (key) => controller.sync(key),
    concurrency,
    after: Object.values(source),
  })
  source.endpoints.onChange((change) => {
    const service = source.services.get(objectKey(change.object))
    if (service && hasSelector(service)) return
    const versions = change.type === 'updated' ? [change.old, change.object] : [change.object]
    if (versions.some(shouldMirror)) queue.add(objectKey(change.object))
  })
  source.services.onChange((change) => {
    const turned = change.type === 'updated' && hasSelector(change.old) !== hasSelector(change.object)
    if (turned || (change.type !== 'updated' && !hasSelector(change.object))) queue.add(objectKey(change.object))
  })
  source.slices.onChange((change) => {
    // A mirror that someone changed, deleted, took from us or from its Service is put right.
    if (controller.written.observe(change)) return
    const versions = change.type === 'updated' ? [change.old, change.object] : [change.object]
    for (const key of new Set(versions.filter(isMirrored).flatMap(serviceKeys))) queue.add(key)
  })
}

interface MirrorSource {
  readonly services: Informer<Service>
  readonly endpoints: Informer<Endpoints>
  readonly slices: Informer<EndpointSlice>
}

class MirroringController {
  readonly written: Written<EndpointSlice>
  readonly #ctx: ControllerContext
  readonly #source: MirrorSource
  readonly #events: EventRecorder

  constructor(ctx: ControllerContext, source: MirrorSource) {
    this.#ctx = ctx
    this.#source = source
    this.#events = ctx.events('endpoint-slice-mirroring-controller')
    this.written = new Written({ clock: ctx.clock, views: serviceKeys })
  }

  async sync(key: string): Promise<void> {
    const existing = this.#mirrorsOf(key)
    const endpoints = this.#source.endpoints.get(key)
    const service = this.#source.services.get(key)
    const { client } = this.#ctx
    if (!endpoints || !shouldMirror(endpoints) || !service || hasSelector(service)) {
      await applySlices({ client, written: this.written }, { create: [], update: [], delete: existing })
      return
    }
    const plan = mirror(endpoints, existing)
    this.#report(endpoints, plan)
    const create = endpoints.metadata.deletionTimestamp ? [] : plan.create
    await applySlices({ client, written: this.written }, { ...plan, create })
  }

  #report(endpoints: Endpoints, { invalid, skipped }: MirrorPlan): void {
    const warn = (reason: string, message: string) =>
      this.#events.event({ ...endpoints, apiVersion: 'v1', kind: 'Endpoints' }, 'Warning', reason, message)
    if (invalid > 0) {
      warn('InvalidIPAddress', `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`)
    }
    if (skipped > invalid) {
      const limit = `A max of ${addressesPerSubsetMax} addresses can be mirrored to EndpointSlices per Endpoints subset`
      warn('TooManyAddressesToMirror', `${limit}. ${skipped} addresses were skipped`)
    }
  }

  #mirrorsOf(key: string): EndpointSlice[] {
    const cached = this.#source.slices.byIndex(slicesByService.name, key)
    return this.written.view(cached, key).filter(isMirrored)
  }
}

/** An empty selector is none, as after Kubernetes' own decoding. */
function hasSelector({ spec }: Service): boolean {
  return Object.keys(spec?.selector ?? {}).length > 0
}
