/** Makes this node's pods true: one reconciliation per pod and event, from what the API and the machine say. */
import type { Container, Pod, Service } from '../../api/generated/v1.ts'
import { isReason } from '../../api/machinery/status.ts'
import { type EventRecorder, type Informer, type KubeClient, resources, WorkQueue } from '../../client/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/log.ts'
import { Prober } from '../probes/prober.ts'
import type { PodObservation, Runtime } from '../runtime/contract.ts'
import { type Action, crashLoopMessage, type Knowledge, nextActions } from './decide.ts'
import { fieldPath } from './fields.ts'
import { type ClusterNames, hostsFile, podHostname, resolvConf } from './files.ts'
import { type Problem, Problems } from './problems.ts'
import { execIn, startContainer } from './start.ts'
import { podStatus } from './status.ts'
import { StatusWriter } from './status-writer.ts'
import { Stopper } from './stopper.ts'

export interface PodManagerOptions {
  readonly client: KubeClient
  readonly runtime: Runtime
  /** This node's pods, indexed by `uid`. */
  readonly pods: Informer<Pod>
  readonly services: Informer<Service>
  readonly events: EventRecorder
  readonly names: ClusterNames
  /** Primary first. */
  readonly nodeIPs: readonly string[]
  readonly clock: Clock
  readonly log: Logger
}

/** How many pods are worked on at once; each costs a few short-lived processes. */
const concurrency = 8

/** What makes no event, such as the killed shim of a former agent, is seen after this long. */
const resyncMs = 10_000

export class PodManager {
  readonly #options: PodManagerOptions
  readonly #queue: WorkQueue
  readonly #prober: Prober
  readonly #problems: Problems
  readonly #statuses: StatusWriter
  readonly #stopper: Stopper
  /** Runs whose start is to be told in an Event, by pod. */
  readonly #announced = new Map<string, Set<string>>()

  constructor(options: PodManagerOptions) {
    const { client, runtime, pods, events, clock, log } = options
    this.#options = options
    this.#queue = new WorkQueue({ name: 'pods', reconcile: (uid) => this.#reconcile(uid), concurrency, log, clock })
    this.#problems = new Problems(clock)
    this.#stopper = new Stopper({ runtime, events, log })
    this.#statuses = new StatusWriter(client)
    this.#prober = new Prober({
      clock,
      exec: (uid, container, command, timeoutMs) => execIn(runtime, { uid, container, command, timeoutMs }),
      changed: (uid) => this.#queue.add(uid),
      failed: (pod, { name }, kind, message) => {
        const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} probe failed: ${message}`
        events.event(pod, 'Warning', 'Unhealthy', title, fieldPath(name))
      },
    })
    pods.addIndex('uid', ({ metadata }) => [metadata.uid ?? ''])
    pods.onChange(({ object }) => this.#queue.add(object.metadata.uid ?? ''))
  }

  /** Begins once the caches are filled: a pod that the API does not know is removed. */
  async run(signal: AbortSignal): Promise<void> {
    const { pods, services, runtime } = this.#options
    await Promise.all([pods.synced, services.synced])
    for (const uid of await runtime.pods()) this.#queue.add(uid)
    this.#queue.run(signal)
    const timer = setInterval(() => {
      for (const { metadata } of pods.list()) this.#queue.add(metadata.uid ?? '')
    }, resyncMs)
    signal.addEventListener('abort', () => {
      clearInterval(timer)
      this.#prober.stop()
    })
  }

  /** Something happened on the machine. */
  wake(uid: string): void {
    this.#queue.add(uid)
  }

  async #reconcile(uid: string): Promise<void> {
    const { pods, runtime, clock } = this.#options
    const [found] = pods.byIndex('uid', uid)
    if (!found) return this.#forget(uid)
    const pod = this.#statuses.newest(found)
    const before = runtime.observe(uid)
    this.#followProbes(pod, before)
    const actions = nextActions(pod, before, this.#knowledge(uid, before), clock.now())
    for (const action of actions) await this.#perform(pod, action, before)
    if (actions.some(({ type }) => type === 'createSandbox')) return this.#queue.add(uid)
    const after = runtime.observe(uid)
    this.#followProbes(pod, after)
    // What was just started tells in a moment how it went; one write to the API is enough for both.
    if (actions.length > 0 && actions.every((action) => this.#isStarting(uid, action, after))) return
    await this.#statuses.write(pod, podStatus(pod, after, this.#knowledge(uid, after), this.#context()))
    if (actions.some(({ type }) => type === 'removePod')) await this.#finish(pod)
  }

  #isStarting(uid: string, action: Action, { containers }: PodObservation): boolean {
    if (action.type !== 'startContainer' || this.#problems.get(uid, action.container.name)) return false
    const run = containers.get(action.container.name)?.current
    return run?.attempt === action.attempt && run.startedAt === undefined && run.exit === undefined
  }

  #context() {
    return { nodeIPs: this.#options.nodeIPs, now: this.#options.clock.now() }
  }

  /** Gone from the API: whatever is left here goes at once. */
  async #forget(uid: string): Promise<void> {
    this.#prober.forget(uid)
    this.#problems.forget(uid)
    this.#statuses.forget(uid)
    this.#announced.delete(uid)
    this.#stopper.forget(uid)
    await this.#options.runtime.removePod(uid)
  }

  async #finish(pod: Pod): Promise<void> {
    const { metadata } = pod
    await this.#forget(metadata.uid ?? '')
    const preconditions = { uid: metadata.uid ?? '' }
    await this.#options.client
      .delete(resources.pods, metadata, { gracePeriodSeconds: 0, preconditions })
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error
      })
  }

  #knowledge(uid: string, { containers }: PodObservation): Knowledge {
    const names = new Set([...containers.keys(), ...this.#problems.containers(uid)])
    return new Map(
      [...names].map((name) => {
        const problem = this.#problems.get(uid, name)
        const probed = this.#prober.results(uid, name) ?? { ready: true, started: true }
        return [name, { ...probed, ...(problem && { problem }) }]
      }),
    )
  }

  #followProbes(pod: Pod, { sandbox, containers }: PodObservation): void {
    const uid = pod.metadata.uid ?? ''
    for (const container of pod.spec?.containers ?? []) {
      const run = containers.get(container.name)?.current
      if (!run || run.exit || run.pid === undefined || !sandbox) this.#prober.unwatch(uid, container.name)
      else if (run.stopping) {
        this.#prober.unwatch(uid, container.name, 'readiness')
        this.#stopper.stopOnce(pod, container, run.id, run.stopping.graceSeconds)
      } else {
        this.#prober.watch(pod, container, run, sandbox.ips[0] ?? '')
        this.#announce(pod, container.name, run.id)
      }
    }
  }

  #announce(pod: Pod, name: string, id: string): void {
    const uid = pod.metadata.uid ?? ''
    const told = this.#announced.get(uid)
    if (!told?.delete(id)) return
    this.#options.events.event(pod, 'Normal', 'Started', 'Container started', fieldPath(name))
  }

  async #perform(pod: Pod, action: Action, observed: PodObservation): Promise<void> {
    const { runtime, events } = this.#options
    const uid = pod.metadata.uid ?? ''
    switch (action.type) {
      case 'createSandbox':
        return this.#createSandbox(pod)
      case 'startContainer':
        return this.#start(pod, action, observed)
      case 'stopContainer':
        runtime.markStopping(uid, action.name, action.graceSeconds)
        this.#prober.unwatch(uid, action.name, 'readiness')
        events.event(
          pod,
          'Normal',
          'Killing',
          action.why || `Stopping container ${action.name}`,
          fieldPath(action.name),
        )
        this.#queue.addAfter(uid, action.graceSeconds * 1000)
        return
      case 'killContainer':
        return runtime.signal(uid, action.name, 'SIGKILL')
      case 'stopSandbox':
        return runtime.stopSandbox(uid)
      case 'wait':
        return this.#wait(pod, action, observed)
      case 'removePod':
        return
    }
  }

  #wait(pod: Pod, { ms, container }: Action & { type: 'wait' }, { containers }: PodObservation): void {
    const uid = pod.metadata.uid ?? ''
    const { events } = this.#options
    if (container) {
      const problem = this.#problems.settle(uid, container)
      if (problem) events.event(pod, 'Normal', 'BackOff', problem.message, fieldPath(container))
      const run = containers.get(container)?.current
      if (run?.exit) events.event(pod, 'Warning', 'BackOff', crashLoopMessage(pod, container), fieldPath(container))
    }
    this.#queue.addAfter(uid, ms)
  }

  async #createSandbox(pod: Pod): Promise<void> {
    const { runtime, names, events } = this.#options
    const { runtimeClassName = 'process' } = pod.spec ?? {}
    try {
      if (runtimeClassName !== 'process') {
        throw new Error(`failed to get runtime: RuntimeClass "${runtimeClassName}" is not "process", the one there is`)
      }
      await runtime.createSandbox({
        uid: pod.metadata.uid ?? '',
        namespace: pod.metadata.namespace ?? '',
        name: pod.metadata.name,
        hostname: podHostname(pod, names),
        hostNetwork: pod.spec?.hostNetwork === true,
        hosts: (ips) => hostsFile(pod, ips, names),
        resolvConf: resolvConf(pod, names),
      })
    } catch (error) {
      const message = `Failed to create pod sandbox: ${(error as Error).message}`
      events.event(pod, 'Warning', 'FailedCreatePodSandBox', message)
      throw error
    }
  }

  async #start(
    pod: Pod,
    { container, attempt, crashes }: Action & { type: 'startContainer' },
    observed: PodObservation,
  ): Promise<void> {
    const { runtime, client, services, names, nodeIPs, events } = this.#options
    const uid = pod.metadata.uid ?? ''
    const path = fieldPath(container.name)
    try {
      runtime.checkImage(container.image ?? '')
      const present = `Container image "${container.image}" already present on machine and can be accessed by the pod`
      events.event(pod, 'Normal', 'Pulled', present, path)
      const podIPs = observed.sandbox?.ips ?? []
      await startContainer(
        { client, runtime, services: services.list(), names, nodeIPs },
        { pod, podIPs, container, attempt, crashes },
      )
      this.#problems.solved(uid, container.name)
      events.event(pod, 'Normal', 'Created', 'Container created', path)
      this.#expectStart(uid, container, attempt)
    } catch (error) {
      const problem = this.#problems.note(uid, container, error as Error)
      this.#reportProblem(pod, container, problem, error as Error)
      this.#queue.addAfter(uid, Math.min(problem.retryInMs, 1000))
    }
  }

  #expectStart(uid: string, { name }: Container, attempt: number): void {
    const run = this.#options.runtime.observe(uid).containers.get(name)?.current
    if (run?.attempt !== attempt) return
    const told = this.#announced.get(uid) ?? new Set<string>()
    this.#announced.set(uid, told.add(run.id))
  }

  #reportProblem(pod: Pod, { name, image }: Container, problem: Problem, error: Error): void {
    const { events } = this.#options
    const path = fieldPath(name)
    if (problem.kind === 'image') {
      events.event(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${error.message}`, path)
      events.event(pod, 'Warning', 'Failed', 'Error: ErrImagePull', path)
    } else if (problem.kind === 'volume') events.event(pod, 'Warning', 'FailedMount', error.message)
    else events.event(pod, 'Warning', 'Failed', `Error: ${error.message}`, path)
  }
}
