/** Writes pod statuses to the API, only when they say something new. */
import type { Pod, PodStatus } from '../../api/generated/v1.ts'
import { isReason } from '../../api/machinery/status.ts'
import { type KubeClient, resources } from '../../client/index.ts'

/** What a former status may say and a new one need not: a merge patch takes them away by name. */
const removable = ['reason', 'message', 'initContainerStatuses'] as const

export class StatusWriter {
  readonly #client: Pick<KubeClient, 'patch'>
  /** Pods as our own writes left them, until the cache has caught up. */
  readonly #written = new Map<string, Pod>()

  constructor(client: Pick<KubeClient, 'patch'>) {
    this.#client = client
  }

  /** The cached pod, or what our last write made of it if that is newer. */
  newest(cached: Pod): Pod {
    const written = this.#written.get(cached.metadata.uid ?? '')
    return written && version(written) > version(cached) ? written : cached
  }

  /** The status of the pod as it is now: whatever it says, it is of this generation. */
  async write(pod: Pod, made: PodStatus): Promise<void> {
    const { generation } = pod.metadata
    const status: PodStatus = { ...made, ...(generation && { observedGeneration: generation }) }
    if (saysNothingNew(pod.status ?? {}, status)) return
    const { namespace = '', name, uid = '', resourceVersion } = pod.metadata
    const cleared = Object.fromEntries(
      removable
        .filter((field) => pod.status?.[field] !== undefined && status[field] === undefined)
        .map((f) => [f, null]),
    )
    try {
      const patched = await this.#client.patch(
        resources.pods,
        { namespace, name },
        // Lists are written as a whole: a condition that somebody else has set meanwhile must not be lost.
        { metadata: { uid, resourceVersion }, status: { ...status, ...cleared } },
        { type: 'application/merge-patch+json', subresource: 'status' },
      )
      this.#written.set(uid, patched)
    } catch (error) {
      // Deleted, changed, or replaced by another pod of its name: the cache will say so.
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict') && !isReason(error, 'Invalid')) throw error
    }
  }

  forget(uid: string): void {
    this.#written.delete(uid)
  }
}

function version({ metadata }: Pod): bigint {
  return BigInt(metadata.resourceVersion || 0)
}

export function saysNothingNew(old: PodStatus, next: PodStatus): boolean {
  const fields = new Set([...Object.keys(next), ...removable]) as Set<keyof PodStatus>
  return [...fields].every((field) => canonical(old[field]) === canonical(next[field]))
}

/** Keys in order; what is absent and what is empty are the same to the API. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner
    const entries = Object.entries(inner).filter(([, v]) => v !== undefined && !isEmptyObject(v))
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
