/**
 * When the change happened that a write answers to (annotation endpoints.kubernetes.io/last-change-trigger-time, from
 * which proxies and DNS compute their programming latency): the earliest of the Service's creation and the pods'
 * readiness transitions that were not known at the last sync.
 */
import type { Pod, Service } from '../../api/generated/v1.ts'

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

interface Known {
  readonly service: string
  readonly pods: ReadonlyMap<string, string>
}

export interface TriggerTime {
  /** RFC 3339; undefined when nothing timed has changed since the last commit. */
  readonly time: string | undefined
  /** The change has been dealt with. */
  commit(): void
}

export class TriggerTimes {
  readonly #known = new Map<string, Known>()

  of(key: string, service: Service, pods: readonly Pod[]): TriggerTime {
    const before = this.#known.get(key)
    const after: Known = {
      service: service.metadata.creationTimestamp ?? '',
      pods: new Map(pods.flatMap((pod) => entry(pod))),
    }
    const changed = [...after.pods].filter(([name, at]) => at > (before?.pods.get(name) ?? '')).map(([, at]) => at)
    if (after.service > (before?.service ?? '')) changed.push(after.service)
    return { time: changed.sort()[0], commit: () => this.#known.set(key, after) }
  }

  forget(key: string): void {
    this.#known.delete(key)
  }
}

function entry(pod: Pod): [string, string][] {
  const at = pod.status?.conditions?.find((c) => c.type === 'Ready')?.lastTransitionTime
  return at ? [[pod.metadata.name, at]] : []
}
