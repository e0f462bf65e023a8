/** Does what was decided for a pod: sandbox, starts and stops, each with its Events. */
import type { Container, Pod, Service } from '../../api/generated/v1.ts'
import { type EventRecorder, type Informer, type KubeClient, resources } from '../../client/index.ts'
import type { Prober } from '../probes/prober.ts'
import type { Attempt, PodObservation, Runtime } from '../runtime/contract.ts'
import type { Action } from './decide.ts'
import { fieldPath } from './fields.ts'
import type { ClusterNames } from './files.ts'
import type { PostStarts } from './post-start.ts'
import { backOffMessage, type Problem, type Problems } from './problems.ts'
import { resolvConf } from './resolv-conf.ts'
import { crashLoopMessage } from './restart.ts'
import { defaultHandler, sandboxConfig } from './sandbox-config.ts'
import { startContainer } from './start.ts'

export interface PerformerOptions {
  readonly client: KubeClient
  readonly runtime: Runtime
  readonly services: Informer<Service>
  readonly events: EventRecorder
  readonly names: ClusterNames
  readonly nodeIPs: readonly string[]
  readonly allocatable: Readonly<Record<string, string>>
  readonly problems: Problems
  readonly postStarts: PostStarts
  readonly prober: Prober
  /** Look at the pod again after this long. */
  readonly again: (uid: string, ms: number) => void
}

/** The Event's reason for each kind of problem with an image. */
const imageEvents: Readonly<Partial<Record<Problem['kind'], string>>> = {
  image: 'Failed',
  neverPull: 'ErrImageNeverPull',
  imageName: 'InspectFailed',
}

type Directories = ReadonlyMap<string, string>

export class Performer {
  readonly #options: PerformerOptions
  /** Runs whose start is to be told in an Event, by pod. */
  readonly #announced = new Map<string, Set<string>>()

  constructor(options: PerformerOptions) {
    this.#options = options
  }

  async perform(pod: Pod, action: Action, observed: PodObservation, directories: Directories): Promise<void> {
    const { runtime, again } = this.#options
    const uid = pod.metadata.uid ?? ''
    switch (action.type) {
      case 'createSandbox':
        return this.#createSandbox(pod)
      case 'startContainer':
        return this.#start(pod, action, observed, directories)
      case 'stopContainer':
        this.#stop(pod, action)
        return again(uid, action.graceSeconds * 1000)
      case 'killContainer':
        return runtime.signal(uid, action.name, 'SIGKILL')
      case 'restartSandbox':
        runtime.restartSandbox(uid)
        return again(uid, 0)
      case 'stopSandbox':
        return runtime.stopSandbox(uid)
      case 'wait':
        return this.#wait(pod, action, observed)
      case 'removePod':
        return
    }
  }

  /** The run has started, or could not: told once, if this agent started it. */
  announce(pod: Pod, name: string, { id, startedAt, exit }: Attempt): void {
    const failed = exit?.startError
    if (!(startedAt || failed) || !this.#announced.get(pod.metadata.uid ?? '')?.delete(id)) return
    const { events } = this.#options
    const path = fieldPath(pod, name)
    if (failed) events.event(pod, 'Warning', 'Failed', `Error: ${failed}`, path)
    else events.event(pod, 'Normal', 'Started', 'Container started', path)
  }

  forget(uid: string): void {
    this.#announced.delete(uid)
  }

  #stop(pod: Pod, { name, graceSeconds, why }: Action & { type: 'stopContainer' }): void {
    const { runtime, events, prober } = this.#options
    const uid = pod.metadata.uid ?? ''
    runtime.markStopping(uid, name, graceSeconds)
    prober.unwatch(uid, name, 'readiness')
    events.event(pod, 'Normal', 'Killing', why || `Stopping container ${name}`, fieldPath(pod, name))
  }

  #wait(pod: Pod, { ms, container }: Action & { type: 'wait' }, { containers }: PodObservation): void {
    const uid = pod.metadata.uid ?? ''
    const { events, problems, again } = this.#options
    if (container) {
      const problem = problems.settle(uid, container)
      if (problem) this.#reportBackOff(pod, container, problem)
      const run = containers.get(container)?.current
      if (run?.exit)
        events.event(pod, 'Warning', 'BackOff', crashLoopMessage(pod, container), fieldPath(pod, container))
    }
    again(uid, ms)
  }

  async #createSandbox(pod: Pod): Promise<void> {
    const { runtime, names, events } = this.#options
    try {
      const config = sandboxConfig(pod, { names, handler: await this.#handler(pod) })
      await runtime.createSandbox(config)
      for (const message of resolvConf(pod, names).omissions) events.event(pod, 'Warning', 'DNSConfigForming', message)
    } catch (error) {
      const message = `Failed to create pod sandbox: ${(error as Error).message}`
      events.event(pod, 'Warning', 'FailedCreatePodSandBox', message)
      throw error
    }
  }

  /** What the pod's RuntimeClass calls for. */
  async #handler({ spec }: Pod): Promise<string> {
    if (!spec?.runtimeClassName) return defaultHandler
    const { handler } = await this.#options.client.get(resources.runtimeClasses, { name: spec.runtimeClassName })
    return handler
  }

  async #start(
    pod: Pod,
    { container, attempt, crashes }: Action & { type: 'startContainer' },
    observed: PodObservation,
    directories: Directories,
  ): Promise<void> {
    const { runtime, services, events, problems, postStarts, again } = this.#options
    const uid = pod.metadata.uid ?? ''
    const path = fieldPath(pod, container.name)
    try {
      runtime.checkImage(container.image ?? '')
      const present = `Container image "${container.image}" already present on machine and can be accessed by the pod`
      events.event(pod, 'Normal', 'Pulled', present, path)
      const podIPs = observed.sandbox?.ips ?? []
      postStarts.expect(pod, container)
      await startContainer(
        { ...this.#options, services: services.list() },
        { pod, podIPs, container, attempt, crashes, directories },
      )
      problems.solved(uid, container.name)
      events.event(pod, 'Normal', 'Created', 'Container created', path)
      this.#expectStart(uid, container, attempt)
      this.#tellOfNoLimits(pod, container)
    } catch (error) {
      const problem = problems.note(uid, container, error as Error)
      this.#reportProblem(pod, container, problem, error as Error)
      again(uid, Math.min(problem.retryInMs, 1000))
    }
  }

  #expectStart(uid: string, { name }: Container, attempt: number): void {
    const run = this.#options.runtime.observe(uid).containers.get(name)?.current
    if (run?.attempt !== attempt) return
    const told = this.#announced.get(uid) ?? new Set<string>()
    this.#announced.set(uid, told.add(run.id))
  }

  #tellOfNoLimits(pod: Pod, { name, resources }: Container): void {
    const { runtime, events } = this.#options
    const idle = runtime.unlimited.filter((resource) => resources?.limits?.[resource] !== undefined)
    if (idle.length === 0) return
    const message = `This node has no control groups for ${idle.join(' and ')}: the limits of ${name} do not hold`
    events.event(pod, 'Warning', 'LimitsNotEnforced', message, fieldPath(pod, name))
  }

  #reportProblem(pod: Pod, { name }: Container, problem: Problem, error: Error): void {
    const { events } = this.#options
    const path = fieldPath(pod, name)
    const told = imageEvents[problem.kind]
    if (!told) return events.event(pod, 'Warning', 'Failed', `Error: ${error.message}`, path)
    const pulling = problem.kind === 'image' ? `Failed to pull image "${problem.image}": ` : ''
    events.event(pod, 'Warning', told, pulling + problem.message, path)
    events.event(pod, 'Warning', 'Failed', `Error: ${problem.reason}`, path)
  }

  #reportBackOff(pod: Pod, container: string, { image, reason }: Problem): void {
    const { events } = this.#options
    const path = fieldPath(pod, container)
    events.event(pod, 'Normal', 'BackOff', backOffMessage(image), path)
    events.event(pod, 'Warning', 'Failed', `Error: ${reason}`, path)
  }
}
