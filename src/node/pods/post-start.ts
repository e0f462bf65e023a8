/**
 * postStart hooks under way. A container is not running, and those after it do not begin, until its hook has ended; one
 * whose hook failed is stopped. A hook that a former agent began is not asked again.
 */
import type { Container, Pod } from '../../api/generated/v1.ts'
import type { EventRecorder } from '../../client/index.ts'
import type { Attempt, Runtime } from '../runtime/contract.ts'
import { fieldPath } from './fields.ts'
import { runHook } from './hooks.ts'

export interface PostStartsOptions {
  readonly runtime: Pick<Runtime, 'execCommand'>
  readonly events: EventRecorder
  /** A hook has ended. */
  readonly changed: (uid: string) => void
}

interface PostStart {
  /** The run it belongs to; '' until that is known. */
  readonly id: string
  readonly failure?: string
}

export class PostStarts {
  readonly #options: PostStartsOptions
  /** By pod uid and container name: running, failed, or announced. */
  readonly #pods = new Map<string, Map<string, PostStart>>()

  constructor(options: PostStartsOptions) {
    this.#options = options
  }

  get(uid: string, container: string): PostStart | undefined {
    return this.#pods.get(uid)?.get(container)
  }

  /** This agent starts the container: its hook is to come. */
  expect(pod: Pod, container: Container): void {
    const uid = pod.metadata.uid ?? ''
    if (container.lifecycle?.postStart) this.#set(uid, container.name, { id: '' })
  }

  /** The container runs; `expect` was called for this run. */
  begin(pod: Pod, container: Container, run: Attempt, podIP: string): void {
    const uid = pod.metadata.uid ?? ''
    const hook = container.lifecycle?.postStart
    if (!hook || this.get(uid, container.name)?.id !== '') return
    this.#set(uid, container.name, { id: run.id })
    void runHook(hook, { runtime: this.#options.runtime, pod, container, podIP }).then((failure) =>
      this.#ended(pod, container, run, failure),
    )
  }

  forget(uid: string): void {
    this.#pods.delete(uid)
  }

  #ended(pod: Pod, { name }: Container, { id }: Attempt, failure: string | undefined): void {
    const { events, changed } = this.#options
    const uid = pod.metadata.uid ?? ''
    // Another run has begun since, or the pod is gone.
    if (this.get(uid, name)?.id !== id) return
    if (failure === undefined) this.#pods.get(uid)?.delete(name)
    else {
      this.#set(uid, name, { id, failure })
      // What the hook said may hold secrets; Events do not tell it.
      events.event(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', fieldPath(pod, name))
    }
    changed(uid)
  }

  #set(uid: string, container: string, postStart: PostStart): void {
    const containers = this.#pods.get(uid) ?? new Map<string, PostStart>()
    this.#pods.set(uid, containers.set(container, postStart))
  }
}
