/** The edge: informers in, Events out. */

import { isPodTerminal } from '../../api/core/pod/conditions.ts'
import { hasLocalPolicy, type ServiceView, serviceAdvice } from '../../api/core/service/advice.ts'
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Node, Pod, Service } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { Informer } from '../../client/informer.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, type Index, startQueue } from '../context.ts'
import { podsOf, servicesOf } from '../endpoints/matching.ts'
import { type ServiceSource, serviceSource } from '../endpoints/source.ts'
import { serviceKeys, slicesByService } from '../endpointslice/slice.ts'
import { nodeReady } from '../shared/placement.ts'
import { Spells, settleMs } from './spells.ts'

const localServices: Index<Service> = {
  name: 'local-policy',
  keys: (service) => (hasLocalPolicy(service) ? ['Local'] : []),
}

interface AdviceSource extends ServiceSource {
  readonly slices: Informer<EndpointSlice>
  readonly nodes: Informer<Node>
}

export function startServiceAdviceController(ctx: ControllerContext): void {
  const source: AdviceSource = {
    ...serviceSource(ctx),
    services: ctx.informers.indexed(resources.services, localServices),
    slices: ctx.informers.indexed(resources.endpointSlices, slicesByService),
    nodes: ctx.informers.of(resources.nodes),
  }
  const events = ctx.events('service-advice-controller')
  const spells = new Spells()
  /** When something last changed about a Service that has not been found in order since. */
  const changed = new Map<string, number>()
  const nowMs = () => ctx.clock.now().getTime()
  const queue = startQueue(ctx, {
    name: 'service-advice',
    reconcile: async (key) => {
      const service = source.services.get(key)
      if (!service || service.metadata.deletionTimestamp) {
        spells.forget(key)
        changed.delete(key)
        return
      }
      const now = nowMs()
      const advice = serviceAdvice(viewOf(source, service))
      const { due, againMs } = spells.look(key, advice, now, changed.get(key) ?? now)
      // Objects of a list come without their kind, which Events refer to.
      const about = { ...service, apiVersion: 'v1', kind: 'Service' }
      for (const { type, reason, message } of due) events.event(about, type, reason, message)
      if (againMs > 0) queue.addAfter(key, againMs)
      else changed.delete(key)
    },
    after: [source.services, source.pods, source.slices, source.nodes],
  })
  watch(source, (key) => {
    changed.set(key, nowMs())
    queue.addAfter(key, settleMs)
  })
  source.services.onChange(({ type, object }) => {
    // Another of the same name may come before the next look.
    if (type === 'deleted') spells.forget(objectKey(object))
  })
}

/** Slices and nodes are looked up only where they matter. */
function viewOf({ pods, slices, nodes }: AdviceSource, service: Service): ServiceView {
  const local = hasLocalPolicy(service)
  return {
    service,
    pods: podsOf(pods, service),
    slices: local ? slices.byIndex(slicesByService.name, objectKey(service)) : [],
    nodes: local ? nodes.list().filter((node) => nodeReady(node) === 'True') : [],
  }
}

/** Calls `affected` with the key of each Service about which a change may say something new. */
function watch({ services, pods, slices, nodes }: AdviceSource, affected: (key: string) => void): void {
  services.onChange(({ object }) => affected(objectKey(object)))
  pods.onChange((change) => {
    for (const key of selectingServices(services, change)) affected(key)
  })
  slices.onChange(({ object }) => {
    for (const key of serviceKeys(object)) {
      const service = services.get(key)
      if (service && hasLocalPolicy(service)) affected(key)
    }
  })
  nodes.onChange((change) => {
    if (change.type === 'updated' && nodeReady(change.old) === nodeReady(change.object)) return
    for (const service of services.byIndex(localServices.name, 'Local')) affected(objectKey(service))
  })
}

/** What a pod's containers declare never changes; its readiness is the slices' matter. */
function selectingServices(services: Informer<Service>, change: CacheChange<Pod>): string[] {
  const { object } = change
  if (change.type !== 'updated') return servicesOf(services, object)
  const { labels } = change.old.metadata
  const moved = JSON.stringify(labels) !== JSON.stringify(object.metadata.labels)
  if (!moved && isPodTerminal(change.old) === isPodTerminal(object)) return []
  return [...servicesOf(services, object), ...(moved ? servicesOf(services, object, labels) : [])]
}
