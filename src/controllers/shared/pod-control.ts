/** Creates and deletes the pods of controllers that count them, and says so in Events (upstream's RealPodControl). */
import type { Pod } from '../../api/generated/v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { KubeClient } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import { resources } from '../../client/resources.ts'
import type { Expectations } from './expectations.ts'
import { namespaceTerminating } from './gone.ts'

export interface PodControlOptions {
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly expectations: Expectations
}

/** `key` is the owner's, as its expectations know it; Events are about the owner. */
export class PodControl {
  readonly #options: PodControlOptions

  constructor(options: PodControlOptions) {
    this.#options = options
  }

  /** False: the namespace is going away, and nothing needs to be reported. Throws StatusError when it is refused. */
  async create(key: string, owner: KubeObject, pod: Pod): Promise<boolean> {
    const { client, events, expectations } = this.#options
    try {
      const created = await expectations.creating(key, () => client.create(resources.pods, pod))
      events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`)
      return true
    } catch (error) {
      if (namespaceTerminating(error)) return false
      events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`)
      throw error
    }
  }

  /** Tries all of them, and throws the first refusal when all are answered. */
  async deleteAll(key: string, owner: KubeObject, pods: readonly Pod[]): Promise<void> {
    const results = await Promise.allSettled(pods.map((pod) => this.delete(key, owner, pod)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** A pod that is gone or replaced by now is as good as deleted. Throws StatusError when it is refused. */
  async delete(key: string, owner: KubeObject, pod: Pod): Promise<void> {
    const { client, events, expectations } = this.#options
    const { uid = '', name } = pod.metadata
    const options = { preconditions: { uid } }
    try {
      await expectations.deleting(key, uid, () => client.delete(resources.pods, pod.metadata, options))
      events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
    } catch (error) {
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return
      events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`)
      throw error
    }
  }
}
