/** Measures pods that say how much of the disk they may hold, and tells which of them have to go. */
import type { Pod } from '../../api/generated/v1.ts'
import type { Runtime } from '../runtime/contract.ts'
import { isExempt, storageExcess } from './eviction.ts'
import { isFinished } from './progress.ts'

export interface EvictorOptions {
  readonly runtime: Pick<Runtime, 'storageUse'>
  /** A pod has to go. */
  readonly changed: (uid: string) => void
}

export class Evictor {
  readonly #options: EvictorOptions
  /** Why, by uid. */
  readonly #reasons = new Map<string, string>()

  constructor(options: EvictorOptions) {
    this.#options = options
  }

  async measure(pods: readonly Pod[]): Promise<void> {
    const { runtime, changed } = this.#options
    for (const pod of pods.filter((one) => !isFinished(one) && !isExempt(one))) {
      const uid = pod.metadata.uid ?? ''
      const excess = storageExcess(pod, await runtime.storageUse(uid))
      if (excess === undefined) continue
      this.#reasons.set(uid, excess)
      changed(uid)
    }
  }

  /** Why the pod has to go; told once. */
  take(uid: string): string | undefined {
    const reason = this.#reasons.get(uid)
    this.#reasons.delete(uid)
    return reason
  }
}
