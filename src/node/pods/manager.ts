/** Makes this node's pods true: one reconciliation per pod and event, from what the API and the machine say. */

import { allContainers } from '../../api/core/pod/containers.ts'
import type { Container, Pod, Service } from '../../api/generated/v1.ts'
import { isReason } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { type EventRecorder, type Informer, type KubeClient, resources, WorkQueue } from '../../client/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/log.ts'
import { Prober, probeEvent } from '../probes/prober.ts'
import type { PodObservation, Runtime } from '../runtime/contract.ts'
import { refusal } from './admission.ts'
import { type Action, type Knowledge, nextActions } from './decide.ts'
import { evictedStatus } from './eviction.ts'
import { Evictor } from './evictor.ts'
import { fieldPath } from './fields.ts'
import type { ClusterNames } from './files.ts'
import { MountFailures } from './mount-failures.ts'
import { Performer } from './performer.ts'
import { PostStarts } from './post-start.ts'
import { Problems } from './problems.ts'
import { isFinished } from './progress.ts'
import { Resizer } from './resizer.ts'
import { execIn } from './start.ts'
import { deadlineExceeded, podStatus } from './status.ts'
import { StatusWriter } from './status-writer.ts'
import { Stopper } from './stopper.ts'
import { leaving } from './stopping.ts'
import { PodVolumes, type VolumesState } from './volumes/pod-volumes.ts'

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
  /** What the node has, by resource name. */
  readonly allocatable: Readonly<Record<string, string>>
  readonly clock: Clock
  /** Whether Services lead to a pod's address that know nothing of its end. */
  readonly leadsTo: (ip: string) => Promise<boolean>
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
  readonly #mountFailures: MountFailures
  readonly #statuses: StatusWriter
  readonly #stopper: Stopper
  readonly #postStarts: PostStarts
  readonly #volumes: PodVolumes
  readonly #performer: Performer
  readonly #resizer: Resizer
  readonly #evictor: Evictor
  /** Uids of pods that this node agreed to run. */
  readonly #accepted = new Set<string>()
  /** Pods that the API no longer has, until they are off the machine. */
  readonly #removed = new Map<string, Pod>()

  constructor(options: PodManagerOptions) {
    const { client, runtime, pods, events, clock, log } = options
    const changed = (uid: string) => this.#queue.add(uid)
    this.#options = options
    this.#queue = new WorkQueue({ name: 'pods', reconcile: (uid) => this.#reconcile(uid), concurrency, log, clock })
    this.#problems = new Problems(clock)
    this.#mountFailures = new MountFailures({ events, clock })
    this.#stopper = new Stopper({ runtime, events, clock, leadsTo: options.leadsTo, changed })
    this.#postStarts = new PostStarts({ runtime, events, changed })
    this.#volumes = new PodVolumes({ ...options, changed })
    this.#statuses = new StatusWriter(client)
    this.#resizer = new Resizer(options)
    this.#evictor = new Evictor({ runtime, changed })
    this.#prober = new Prober({
      clock,
      exec: (uid, container, command, timeoutMs) => execIn(runtime, { uid, container, command, timeoutMs }),
      changed,
      told: (news) => {
        const { reason, message } = probeEvent(news)
        events.event(news.pod, 'Warning', reason, message, fieldPath(news.pod, news.container.name))
      },
    })
    this.#performer = new Performer({
      ...options,
      problems: this.#problems,
      postStarts: this.#postStarts,
      prober: this.#prober,
      again: (uid, ms) => this.#queue.addAfter(uid, ms),
    })
    pods.addIndex('uid', ({ metadata }) => [metadata.uid ?? ''])
    pods.onChange(({ type, object }) => {
      const uid = object.metadata.uid ?? ''
      if (type === 'deleted') this.#removed.set(uid, leaving(object, clock.now()))
      this.#queue.add(uid)
    })
  }

  /** Begins once the caches are filled: a pod that the API does not know is removed. */
  async run(signal: AbortSignal): Promise<void> {
    const { pods, services, runtime, log } = this.#options
    await Promise.all([pods.synced, services.synced])
    for (const uid of await runtime.pods()) this.#queue.add(uid)
    this.#queue.run(signal)
    const timer = setInterval(() => {
      for (const { metadata } of pods.list()) this.#queue.add(metadata.uid ?? '')
      this.#evictor.measure(pods.list()).catch((error: unknown) => log.warn({ err: error }, 'pods not measured'))
    }, resyncMs)
    signal.addEventListener('abort', () => {
      clearInterval(timer)
      this.#prober.stop()
      this.#volumes.stop()
    })
  }

  async #evict(pod: Pod, message: string): Promise<void> {
    this.#options.events.event(pod, 'Warning', 'Evicted', message)
    await this.#statuses.write(pod, evictedStatus(pod, message))
  }

  /** Something happened on the machine. */
  wake(uid: string): void {
    this.#queue.add(uid)
  }

  async #reconcile(uid: string): Promise<void> {
    const { pods, runtime, clock } = this.#options
    const [found = this.#removed.get(uid)] = pods.byIndex('uid', uid)
    if (!found || (this.#removed.has(uid) && isGone(runtime.observe(uid)))) return this.#forget(uid)
    const pod = this.#statuses.newest(found)
    const before = runtime.observe(uid)
    if (await this.#refuse(pod, before)) return
    const excess = isFinished(pod) ? undefined : this.#evictor.take(uid)
    if (excess !== undefined) return this.#evict(pod, excess)
    this.#follow(pod, before)
    const volumes = await this.#syncVolumes(pod)
    const { pod: allocated, restarts } = this.#resizer.settle(pod, before)
    const decided = [...restarts, ...nextActions(allocated, before, this.#knowledge(uid, before), clock.now())]
    const actions = decided.filter((action) => volumes.ready || !needsVolumes(action))
    try {
      for (const action of actions) {
        if (this.#spares(pod, action, before)) continue
        await this.#performer.perform(allocated, action, before, volumes.directories)
      }
    } catch (error) {
      await this.#report(pod, allocated, runtime.observe(uid))
      throw error
    }
    if (actions.some(({ type }) => type === 'createSandbox')) return this.#queue.add(uid)
    const after = runtime.observe(uid)
    this.#follow(pod, after)
    // What was just started tells in a moment how it went; one write to the API is enough for both.
    if (actions.length > 0 && actions.every((action) => this.#isStarting(uid, action, after))) return
    await this.#report(pod, allocated, after)
    if (actions.some(({ type }) => type === 'removePod')) await this.#finish(pod)
  }

  async #report(pod: Pod, allocated: Pod, observed: PodObservation): Promise<void> {
    const uid = pod.metadata.uid ?? ''
    const status = podStatus(allocated, observed, this.#knowledge(uid, observed), this.#context(uid))
    const { reason = '', message = '' } = status
    if (reason === deadlineExceeded && pod.status?.reason !== reason) {
      this.#options.events.event(pod, 'Normal', reason, message)
    }
    await this.#statuses.write(pod, status)
  }

  #isStarting(uid: string, action: Action, { containers }: PodObservation): boolean {
    if (action.type !== 'startContainer' || this.#problems.get(uid, action.container.name)) return false
    const run = containers.get(action.container.name)?.current
    return run?.attempt === action.attempt && run.startedAt === undefined && run.exit === undefined
  }

  /** A kill that is put off. */
  #spares({ metadata: { uid = '' }, spec }: Pod, action: Action, { containers }: PodObservation): boolean {
    if (action.type !== 'killContainer' || !spec) return false
    const container = allContainers(spec).find(({ name }) => name === action.name)
    const run = containers.get(action.name)?.current
    const left = container && run ? this.#stopper.spared(uid, container, run) : 0
    if (left > 0) this.#queue.addAfter(uid, left)
    return left > 0
  }

  #context(uid: string) {
    const { nodeIPs, clock } = this.#options
    return { nodeIPs, now: clock.now(), resize: this.#resizer.condition(uid) }
  }

  /** A pod that this node must not run fails before anything of it is made. */
  async #refuse(pod: Pod, observed: PodObservation): Promise<boolean> {
    const { pods, events, allocatable } = this.#options
    const uid = pod.metadata.uid ?? ''
    if (pod.metadata.deletionTimestamp || isFinished(pod) || this.#accepted.has(uid)) return false
    // What a former agent accepted stays.
    const accepted = pods.list().filter((one) => one.status?.startTime || this.#accepted.has(one.metadata.uid ?? ''))
    const refused = isGone(observed) ? refusal(pod, { accepted, allocatable }) : undefined
    if (!refused) {
      this.#accepted.add(uid)
      return false
    }
    const { reason, message } = refused
    events.event(pod, 'Warning', reason, message)
    const { startTime = formatTime(this.#options.clock.now()) } = pod.status ?? {}
    await this.#statuses.write(pod, { phase: 'Failed', reason, message: `Pod was rejected: ${message}`, startTime })
    return true
  }

  /** `ready`: every volume has been made; running containers go on also when one cannot be brought up to date. */
  async #syncVolumes(pod: Pod): Promise<{ ready: boolean; directories: VolumesState['directories'] }> {
    const uid = pod.metadata.uid ?? ''
    if (pod.metadata.deletionTimestamp || isFinished(pod)) {
      this.#volumes.forget(uid)
      return { ready: true, directories: new Map() }
    }
    const { directories, failures } = await this.#volumes.sync(pod)
    const retryInMs = this.#mountFailures.note(pod, failures) ?? this.#volumes.refreshInMs(uid)
    if (retryInMs !== undefined) this.#queue.addAfter(uid, retryInMs)
    const ready = (pod.spec?.volumes ?? []).every(({ name }) => directories.has(name))
    return { ready, directories }
  }

  /** Whatever is left of it here goes at once. */
  async #forget(uid: string): Promise<void> {
    this.#prober.forget(uid)
    this.#problems.forget(uid)
    this.#mountFailures.forget(uid)
    this.#statuses.forget(uid)
    this.#performer.forget(uid)
    this.#stopper.forget(uid)
    this.#postStarts.forget(uid)
    this.#volumes.forget(uid)
    this.#resizer.forget(uid)
    this.#evictor.take(uid)
    this.#removed.delete(uid)
    this.#accepted.delete(uid)
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
        const postStart = this.#postStarts.get(uid, name)
        const probed = this.#prober.results(uid, name) ?? { ready: true, started: true }
        return [name, { ...probed, ...(problem && { problem }), ...(postStart && { postStart }) }]
      }),
    )
  }

  /** Probes, hooks and Events of containers follow what the machine shows. */
  #follow(pod: Pod, observed: PodObservation): void {
    for (const container of pod.spec ? allContainers(pod.spec) : []) this.#followContainer(pod, container, observed)
  }

  #followContainer(pod: Pod, container: Container, observed: PodObservation): void {
    const uid = pod.metadata.uid ?? ''
    const { sandbox, containers } = observed
    const run = containers.get(container.name)?.current
    if (run) this.#performer.announce(pod, container.name, run)
    if (!run || run.exit || run.pid === undefined || !sandbox) return this.#prober.unwatch(uid, container.name)
    if (run.stopping) {
      this.#prober.unwatch(uid, container.name, 'readiness')
      return this.#stopper.advance(pod, container, run, observed)
    }
    const podIP = sandbox.ips[0] ?? ''
    this.#postStarts.begin(pod, container, run, podIP)
    this.#prober.watch(pod, container, run, podIP)
  }
}

function isGone({ remains, containers }: PodObservation): boolean {
  return !remains && containers.size === 0
}

function needsVolumes({ type }: Action): boolean {
  return type === 'createSandbox' || type === 'startContainer'
}
