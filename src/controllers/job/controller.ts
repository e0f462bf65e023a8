/**
 * One pass over a Job:
 *
 *   job + pods → assess → plan → create or remove pods → track → status → finalizers → status
 */
import { isIndexed, isJobFinished } from '../../api/batch/conditions.ts'
import { podReady } from '../../api/core/pod/conditions.ts'
import type { Job, JobCondition, JobStatus } from '../../api/generated/batch.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { observePod } from '../shared/changes.ts'
import { Expectations } from '../shared/expectations.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { applyClaim, byController, claim, orphansOf } from '../shared/owners.ts'
import { assess, deadlineInMs, newCondition, type Standing } from './assess.ts'
import { type Failures, noFailures } from './backoff.ts'
import { JobPods } from './job-pods.ts'
import { newPod } from './new-pod.ts'
import { type Plan, plan } from './plan.ts'
import { isTracked, trackingFinalizer } from './pods.ts'
import { compact, finish, hold, type Outcome } from './status.ts'
import { countReleased, hasUncounted, track } from './track.ts'

const kind = 'Job'
/** `managedBy` of Jobs that are this controller's. */
const ownName = 'kubernetes.io/job-controller'

/** What this process knows of a Job besides what is stored. */
interface Memory {
  readonly uid: string
  failures: Failures
  /** Pods whose finalizer was removed here; the cache may not show it yet. */
  readonly released: Set<string>
  /** resourceVersion of the last status written. */
  written: string
}

export class JobController {
  readonly #ctx: ControllerContext
  readonly #jobs: Informer<Job>
  readonly #pods: Informer<Pod>
  readonly #expectations: Expectations
  readonly #events: EventRecorder
  readonly #jobPods: JobPods
  readonly #queue: WorkQueue
  readonly #memories = new Map<string, Memory>()

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#jobs = ctx.informers.of(resources.jobs)
    this.#pods = ctx.informers.indexed(resources.pods, byController)
    this.#expectations = new Expectations(ctx.clock)
    this.#events = ctx.events('job-controller')
    this.#jobPods = new JobPods({ client: ctx.client, events: this.#events, expectations: this.#expectations })
    this.#queue = startQueue(ctx, {
      name: 'job',
      concurrency: 5,
      backoff: { minMs: 1000, maxMs: 60_000 },
      after: [this.#jobs, this.#pods],
      reconcile: (key) => this.#reconcile(key),
    })
  }

  start(): void {
    this.#jobs.onChange(({ object }) => this.#queue.add(objectKey(object)))
    this.#pods.onChange((change) => this.#podChanged(change))
  }

  #podChanged(change: CacheChange<Pod>): void {
    const owners = (namespace: string) => this.#jobs.list(namespace).filter((job) => !isJobFinished(job))
    for (const key of observePod(change, { kind, expectations: this.#expectations, owners })) {
      if (change.type === 'deleted' || !isTracked(change.object)) {
        this.#memories.get(key)?.released.delete(change.object.metadata.uid ?? '')
      }
      this.#queue.add(key)
    }
  }

  async #reconcile(key: string): Promise<void> {
    const job = this.#jobs.get(key)
    if (!job || isJobFinished(job)) return this.#forget(key)
    const { managedBy } = job.spec ?? {}
    if (managedBy !== undefined && managedBy !== ownName) return
    const memory = this.#memoryOf(key, job)
    // The event of what was written brings the Job back here.
    if (isOlder(job.metadata.resourceVersion, memory.written)) return
    const expectedMs = this.#expectations.waitMs(key)
    if (expectedMs > 0) return this.#queue.addAfter(key, expectedMs)
    await this.#sync(key, job, memory)
  }

  #forget(key: string): void {
    this.#expectations.forget(key)
    this.#memories.delete(key)
  }

  #memoryOf(key: string, { metadata: { uid = '' } }: Job): Memory {
    const known = this.#memories.get(key)
    if (known?.uid === uid) return known
    const memory: Memory = { uid, failures: noFailures, released: new Set(), written: '' }
    this.#memories.set(key, memory)
    return memory
  }

  async #sync(key: string, job: Job, memory: Memory): Promise<void> {
    const now = this.#ctx.clock.now()
    const pods = await this.#claimedPods(job)
    const started = withStart(job, now)
    const { released } = memory
    const standing = assess({ job: started, pods, released, failures: memory.failures, now })
    const outcome = standing.verdict
      ? await this.#removeAll(key, started, standing, standing.verdict)
      : await this.#manage(key, started, { pods, standing, now })
    const { status, resumed } = hold(started, outcome, now)
    if (resumed) this.#events.event(job, 'Normal', resumed, `Job ${resumed.toLowerCase()}`)
    await this.#account(job, { ...started, status }, { pods, standing, outcome, memory })
    const deadlineMs = outcome.verdict ? undefined : deadlineInMs({ ...started, status }, now)
    if (deadlineMs !== undefined && !standing.verdict) this.#queue.addAfter(key, deadlineMs)
    if (outcome.error) throw outcome.error
  }

  async #claimedPods(job: Job): Promise<Pod[]> {
    const candidates = [
      ...this.#pods.byIndex(byController.name, job.metadata.uid ?? ''),
      ...this.#pods.byIndex(byController.name, orphansOf(job.metadata.namespace)),
    ]
    const target = {
      resource: resources.pods,
      ownerResource: resources.jobs,
      owner: job,
      finalizers: [trackingFinalizer],
    }
    return applyClaim(this.#ctx.client, target, claim(job, candidates))
  }

  /** The Job is over: what still runs is stopped. */
  async #removeAll(key: string, job: Job, standing: Standing, verdict: JobCondition): Promise<Outcome> {
    const { removed, error } = await this.#jobPods.remove(key, job, standing.active, 'keep')
    // Not over before all are on their way out.
    const over = removed.length === standing.active.length ? { verdict } : {}
    return { ...counts(standing, { removed, created: 0 }), ...over, ...(error !== undefined && { error }) }
  }

  async #manage(
    key: string,
    job: Job,
    { pods, standing, now }: { pods: readonly Pod[]; standing: Standing; now: Date },
  ): Promise<Outcome> {
    const steps: Plan = job.metadata.deletionTimestamp ? { do: 'nothing' } : plan({ job, pods, standing, now })
    const { removed = [], created = 0, error } = await this.#carryOut(key, job, { steps, standing })
    const counted = counts(standing, { removed, created })
    if (error !== undefined) return { ...counted, error }
    const { completions } = job.spec ?? {}
    const complete = standing.succeeded >= (completions ?? 1) && counted.active === 0
    if (!complete) return { ...counted, managed: !job.metadata.deletionTimestamp }
    const why = { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    return { ...counted, verdict: newCondition('SuccessCriteriaMet', why, now) }
  }

  async #carryOut(
    key: string,
    job: Job,
    { steps, standing }: { steps: Plan; standing: Standing },
  ): Promise<{ removed?: readonly Pod[]; created?: number; error?: unknown }> {
    switch (steps.do) {
      case 'remove':
        return this.#jobPods.remove(key, job, steps.pods, 'release')
      case 'create':
        return this.#jobPods.create(key, job, podsFor(job, steps.indexes, standing))
      case 'wait':
        this.#queue.addAfter(key, steps.ms)
        return {}
      case 'nothing':
        return {}
    }
  }

  /** Writes what was counted, lets the counted pods go, and writes that they are gone. */
  async #account(
    cached: Job,
    job: Job,
    { pods, standing, outcome, memory }: { pods: readonly Pod[]; standing: Standing; outcome: Outcome; memory: Memory },
  ): Promise<void> {
    const now = this.#ctx.clock.now()
    const { released } = memory
    const { verdict } = outcome
    const tracking = track({ job, pods, released, standing, verdict })
    const counted = compact(finish(tracking.status, verdict, 'interim', now), job)
    const current = await this.#writeStatus(cached, counted, memory)
    memory.failures = standing.failures
    const results = await Promise.allSettled(tracking.release.map((pod) => this.#release(pod, memory)))
    const failed = results.find((result) => result.status === 'rejected')
    const gone = new Set(tracking.release.filter((_, i) => results[i]?.status === 'fulfilled'))
    const left = pods.filter((pod) => isTracked(pod) && !gone.has(pod) && !released.has(pod.metadata.uid ?? ''))
    const status = countReleased(counted, new Set(left.map(({ metadata }) => metadata.uid ?? '')))
    const over = verdict && !tracking.more && !hasUncounted(status) && outcome.terminating === 0
    const final = compact(over ? finish(status, verdict, 'final', now) : status, job)
    const done = await this.#writeStatus(current, final, memory)
    if (over) this.#reportEnd(done)
    if (failed) throw failed.reason
  }

  async #release(pod: Pod, { released }: Memory): Promise<void> {
    const uid = pod.metadata.uid ?? ''
    released.add(uid)
    try {
      await this.#jobPods.release(pod)
    } catch (error) {
      released.delete(uid)
      throw error
    }
  }

  async #writeStatus(job: Job, status: JobStatus, memory: Memory): Promise<Job> {
    if (sameJson(job.status, status)) return job
    const written = await tolerateGone(this.#ctx.client.updateStatus(resources.jobs, { ...job, status }))
    if (!written) return { ...job, status }
    memory.written = written.metadata.resourceVersion ?? ''
    return written
  }

  #reportEnd(job: Job): void {
    const failed = job.status?.conditions?.find(({ type, status }) => type === 'Failed' && status === 'True')
    if (failed) return this.#events.event(job, 'Warning', failed.reason ?? '', failed.message ?? '')
    if (!isIndexed(job) && (job.status?.succeeded ?? 0) > (job.spec?.completions ?? Infinity)) {
      const message = 'Too many succeeded pods running after completion count reached'
      this.#events.event(job, 'Warning', 'TooManySucceededPods', message)
    }
    this.#events.event(job, 'Normal', 'Completed', 'Job completed')
  }
}

function podsFor(job: Job, indexes: readonly (number | undefined)[], { awaitingReplacement }: Standing): Pod[] {
  return indexes.map((index) => newPod(job, index, index === undefined ? undefined : awaitingReplacement.get(index)))
}

/** A Job that is not suspended has started when its controller first sees it. */
function withStart(job: Job, now: Date): Job {
  if (job.status?.startTime || job.spec?.suspend) return job
  return { ...job, status: { ...job.status, startTime: formatTime(now) } }
}

function counts(
  { active, ready, terminating }: Standing,
  { removed, created }: { removed: readonly Pod[]; created: number },
): Pick<Outcome, 'active' | 'ready' | 'terminating'> {
  return {
    active: active.length - removed.length + created,
    ready: ready - removed.filter(podReady).length,
    terminating: terminating + removed.length,
  }
}

/** Versions of one object grow (KEP-5504). */
function isOlder(version: string | undefined, written: string): boolean {
  return written !== '' && BigInt(version ?? '0') < BigInt(written)
}
