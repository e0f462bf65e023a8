/** Resizes pods of this node in place as their specs change, with the Events and the condition that tell of it. */
import type { Pod, PodCondition } from '../../api/generated/v1.ts'
import type { EventRecorder, Informer } from '../../client/index.ts'
import { leastLimits, type PodObservation, type Runtime } from '../runtime/contract.ts'
import { type Action, runningRuns } from './decide.ts'
import { containerLimits, podLimits } from './limits.ts'
import { isFinished } from './progress.ts'
import { asHeld, changedContainers, type Resize, refusedResize, resizeMessage } from './resize.ts'
import { graceOf } from './stopping.ts'

export interface ResizerOptions {
  readonly runtime: Runtime
  readonly pods: Informer<Pod>
  readonly events: EventRecorder
  readonly allocatable: Readonly<Record<string, string>>
}

export type ResizeCondition = Pick<PodCondition, 'type' | 'reason' | 'message'>

export interface Settled {
  /** As this node can have it: with the resources it holds, if there is no room for those it asks for. */
  readonly pod: Pod
  /** For containers that have to begin anew. */
  readonly restarts: readonly Action[]
}

export class Resizer {
  readonly #options: ResizerOptions
  readonly #conditions = new Map<string, ResizeCondition>()
  /** What was told last, of which generation: each thing is told once. */
  readonly #told = new Map<string, string>()

  constructor(options: ResizerOptions) {
    this.#options = options
  }

  condition(uid: string): ResizeCondition | undefined {
    return this.#conditions.get(uid)
  }

  forget(uid: string): void {
    this.#conditions.delete(uid)
    this.#told.delete(uid)
  }

  settle(pod: Pod, observed: PodObservation): Settled {
    const uid = pod.metadata.uid ?? ''
    const { allocatable, pods } = this.#options
    const ending = pod.metadata.deletionTimestamp !== undefined || isFinished(pod)
    const changes = ending ? [] : changedContainers(pod, observed)
    if (changes.length === 0) return this.#settled(pod)
    const refused = refusedResize(pod, { allocatable, pods: pods.list() })
    if (!refused) return this.#actuate(pod, observed, changes)
    this.#conditions.set(uid, { type: 'PodResizePending', ...refused })
    const reason = `Resize${refused.reason}`
    this.#tell(pod, 'Warning', reason, resizeMessage(pod, refused.reason.toLowerCase(), refused.message))
    return { pod: asHeld(pod, observed), restarts: [] }
  }

  #settled(pod: Pod): Settled {
    const uid = pod.metadata.uid ?? ''
    if (this.#conditions.get(uid)?.type === 'PodResizeInProgress') {
      this.#tell(pod, 'Normal', 'ResizeCompleted', resizeMessage(pod, 'completed'))
    }
    this.#conditions.delete(uid)
    return { pod, restarts: [] }
  }

  #actuate(pod: Pod, observed: PodObservation, changes: readonly Resize[]): Settled {
    const uid = pod.metadata.uid ?? ''
    const running = changes.filter(({ container }) => runningRuns(observed.containers.get(container.name)))
    if (running.length === 0) return { pod, restarts: [] }
    if (!this.#conditions.get(uid)?.type.endsWith('InProgress')) {
      this.#tell(pod, 'Normal', 'ResizeStarted', resizeMessage(pod, 'started'))
    }
    this.#conditions.set(uid, { type: 'PodResizeInProgress' })
    try {
      for (const change of running.filter(({ restart }) => !restart)) this.#resize(pod, change)
    } catch (error) {
      const { message } = error as Error
      this.#conditions.set(uid, { type: 'PodResizeInProgress', reason: 'Error', message })
      this.#tell(pod, 'Warning', 'ResizeError', resizeMessage(pod, 'error', message))
      return { pod, restarts: [] }
    }
    const restarts = running
      .filter(({ restart }) => restart)
      .map(({ container: { name } }): Action => {
        const why = `Container ${name} resize requires restart`
        return { type: 'stopContainer', name, graceSeconds: graceOf(pod), why }
      })
    return restarts.length === 0 ? this.#settled(pod) : { pod, restarts }
  }

  #resize(pod: Pod, { container }: Resize): void {
    this.#options.runtime.resize(pod.metadata.uid ?? '', container.name, {
      resources: container.resources ?? {},
      container: containerLimits(container) ?? leastLimits,
      pod: podLimits(pod) ?? leastLimits,
    })
  }

  #tell(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const uid = pod.metadata.uid ?? ''
    const what = `${reason} ${pod.metadata.generation}`
    if (this.#told.get(uid) === what) return
    this.#told.set(uid, what)
    this.#options.events.event(pod, type, reason, message)
  }
}
