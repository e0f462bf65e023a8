/** Creates, removes and lets go the pods of Jobs. */
import type { Job } from '../../api/generated/batch.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { slowStart } from '../shared/batch.ts'
import { tolerateGone } from '../shared/gone.ts'
import { PodControl, type PodControlOptions } from '../shared/pod-control.ts'
import { isTracked, trackingFinalizer } from './pods.ts'

export class JobPods {
  readonly #client: PodControlOptions['client']
  readonly #podControl: PodControl

  constructor(options: PodControlOptions) {
    this.#client = options.client
    this.#podControl = new PodControl(options)
  }

  /** All of them, or as many as went well before the first that did not. */
  async create(key: string, job: Job, pods: readonly Pod[]): Promise<{ created: number; error?: unknown }> {
    const queue = [...pods]
    let created = 0
    try {
      await slowStart(pods.length, async () => {
        const pod = queue.shift()
        if (pod && (await this.#podControl.create(key, job, pod))) created++
      })
      return { created }
    } catch (error) {
      return { created, error }
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
        await this.#podControl.delete(key, job, pod)
      }),
    )
    const failed = results.find((result) => result.status === 'rejected')
    const removed = pods.filter((_, i) => results[i]?.status === 'fulfilled')
    return { removed, ...(failed && { error: failed.reason }) }
  }

  /** The pod may go now. */
  async release(pod: Pod): Promise<void> {
    if (!isTracked(pod)) return
    const patch = { metadata: { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } }
    await tolerateGone(this.#client.patch(resources.pods, pod.metadata, patch))
  }
}
