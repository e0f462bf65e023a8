/** Creates, removes and lets go the pods of Jobs, and says so in Events. */
import type { Job } from '../../api/generated/batch.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { KubeClient } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import { resources } from '../../client/resources.ts'
import { slowStart } from '../shared/batch.ts'
import type { Expectations } from '../shared/expectations.ts'
import { namespaceTerminating, tolerateGone } from '../shared/gone.ts'
import { isTracked, trackingFinalizer } from './pods.ts'

interface PodControlOptions {
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly expectations: Expectations
}

export class PodControl {
  readonly #options: PodControlOptions

  constructor(options: PodControlOptions) {
    this.#options = options
  }

  /** All of them, or as many as went well before the first that did not. */
  async create(key: string, job: Job, pods: readonly Pod[]): Promise<{ created: number; error?: unknown }> {
    const queue = [...pods]
    let created = 0
    try {
      await slowStart(pods.length, async () => {
        const pod = queue.shift()
        if (pod && (await this.#createPod(key, job, pod))) created++
      })
      return { created }
    } catch (error) {
      return { created, error }
    }
  }

  async #createPod(key: string, job: Job, pod: Pod): Promise<boolean> {
    const { client, events, expectations } = this.#options
    try {
      const made = await expectations.creating(key, () => client.create(resources.pods, pod))
      events.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata.name}`)
      return true
    } catch (error) {
      if (namespaceTerminating(error)) return false
      events.event(job, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`)
      throw error
    }
  }

  /** `keep`: the pods keep their finalizers, for they are still to be counted. */
  async remove(
    key: string,
    job: Job,
    pods: readonly Pod[],
    finalizers: 'keep' | 'release',
  ): Promise<{ removed: readonly Pod[]; error?: unknown }> {
    const results = await Promise.allSettled(
      pods.map(async (pod) => {
        if (finalizers === 'release') await this.release(pod)
        await this.#deletePod(key, job, pod)
      }),
    )
    const failed = results.find((result) => result.status === 'rejected')
    const removed = pods.filter((_, i) => results[i]?.status === 'fulfilled')
    return { removed, ...(failed && { error: failed.reason }) }
  }

  async #deletePod(key: string, job: Job, pod: Pod): Promise<void> {
    const { client, events, expectations } = this.#options
    const { uid = '', name } = pod.metadata
    try {
      await expectations.deleting(key, uid, () =>
        client.delete(resources.pods, pod.metadata, { preconditions: { uid } }),
      )
      events.event(job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
    } catch (error) {
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return
      events.event(job, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`)
      throw error
    }
  }

  /** The pod may go now. */
  async release(pod: Pod): Promise<void> {
    if (!isTracked(pod)) return
    const patch = { metadata: { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } }
    await tolerateGone(this.#options.client.patch(resources.pods, pod.metadata, patch))
  }
}
