/**
 * When the change happened that a write answers to (annotation endpoints.kubernetes.io/last-change-trigger-time, from
 * which proxies and DNS compute their programming latency): the earliest of the pods' readiness transitions that were
 * not known at the last sync; for a Service seen for the first time, its creation, however old its pods are.
 */
import type { Pod, Service } from '../../api/generated/v1.ts'

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'

interface Known {
  service: string
  /** By the pod's name. */
  readonly pods: Map<string, string>
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
    const known = before ?? { service: '', pods: new Map<string, string>() }
    const created = service.metadata.creationTimestamp ?? ''
    let earliest = created > known.service ? created : undefined
    const news: [string, string][] = []
    for (const { metadata, status } of pods) {
      const at = readySince(status)
      const last = known.pods.get(metadata.name)
      if (at === undefined || at === last) continue
      news.push([metadata.name, at])
      if (before && at > (last ?? '') && (earliest === undefined || at < earliest)) earliest = at
    }
    const commit = () => {
      known.service = created
      for (const [name, at] of news) known.pods.set(name, at)
      if (known.pods.size > 2 * pods.length) dropOthers(known.pods, pods)
      this.#known.set(key, known)
    }
    return { time: earliest, commit }
  }

  forget(key: string): void {
    this.#known.delete(key)
  }
}

/** When the pod became ready, or ceased to be. */
function readySince(status: Pod['status']): string | undefined {
  for (const condition of status?.conditions ?? []) if (condition.type === 'Ready') return condition.lastTransitionTime
  return undefined
}

function dropOthers(known: Map<string, string>, pods: readonly Pod[]): void {
  const names = new Set(pods.map(({ metadata }) => metadata.name))
  for (const name of known.keys()) if (!names.has(name)) known.delete(name)
}
