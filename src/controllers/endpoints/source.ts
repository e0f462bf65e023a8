/** What both endpoint controllers listen to: Services and pods, turned into keys of Services to look at. */
import type { Pod, Service } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { Informer } from '../../client/informer.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerContext } from '../context.ts'
import { podChanged, podsByLabel, servicesBySelectorTerm, servicesOf } from './matching.ts'

export interface ServiceSource {
  readonly services: Informer<Service>
  readonly pods: Informer<Pod>
}

export function serviceSource(ctx: ControllerContext): ServiceSource {
  return {
    services: ctx.informers.indexed(resources.services, servicesBySelectorTerm),
    pods: ctx.informers.indexed(resources.pods, podsByLabel),
  }
}

/** Calls `affected` with the key of each Service whose endpoints a change may have changed. */
export function watchServices({ services, pods }: ServiceSource, affected: (key: string) => void): void {
  services.onChange(({ object }) => affected(objectKey(object)))
  pods.onChange((change) => {
    for (const key of new Set(affectedServices(services, change))) affected(key)
  })
}

function affectedServices(services: Informer<Service>, change: CacheChange<Pod>): string[] {
  const now = servicesOf(services, change.object)
  if (change.type !== 'updated') return now
  if (!podChanged(change.old, change.object)) return []
  return [...now, ...servicesOf(services, change.object, change.old.metadata.labels)]
}
