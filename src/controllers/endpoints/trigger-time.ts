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
    const created = service.metadata.creationTimestamp ?? ''
    let earliest = created > (before?.service ?? '') ? created : undefined
    const known = new Map<string, string>()
    for (const pod of pods) {
      const at = readySince(pod)
      if (at === undefined) continue
      known.set(pod.metadata.name, at)
      if (at > (before?.pods.get(pod.metadata.name) ?? '') && (earliest === undefined || at < earliest)) earliest = at
    }
    const after: Known = { service: created, pods: known }
    return { time: earliest, commit: () => this.#known.set(key, after) }
  }

  forget(key: string): void {
    this.#known.delete(key)
  }
}

/** When the pod became ready, or ceased to be. */
function readySince({ status }: Pod): string | undefined {
  return status?.conditions?.find((c) => c.type === 'Ready')?.lastTransitionTime
}
