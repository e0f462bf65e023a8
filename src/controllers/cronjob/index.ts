/** CronJob controller: makes a Job when its time has come, and keeps some of those that ended. */
import { isTimeZone } from '../../api/batch/schedule.ts'
import { wallClock } from '../../api/batch/wall-clock.ts'
import type { CronJob, CronJobStatus, Job } from '../../api/generated/batch.v1.ts'
import type { ObjectReference } from '../../api/generated/v1.ts'
import { controllerOf, objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { namespaceTerminating, tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { byController, controllerReference } from '../shared/owners.ts'
import { observe, pastHistory, withActive } from './active.ts'
import { dueTime, nextInMs, scheduleOf } from './due.ts'

/** `localZone`: where schedules without `timeZone` are read; default: the zone of this process (`TZ`, `/etc/localtime`). */
export function startCronJobController(ctx: ControllerContext, localZone = systemZone()): void {
  new CronJobController(ctx, localZone).start()
}

/** A `TZ` that names no zone is read as UTC, as programs in Go do. */
function systemZone(): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  return timeZone && isTimeZone(timeZone) ? timeZone : 'UTC'
}

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

class CronJobController {
  readonly #ctx: ControllerContext
  readonly #localZone: string
  readonly #cronJobs: Informer<CronJob>
  readonly #jobs: Informer<Job>
  readonly #events: EventRecorder
  readonly #queue: WorkQueue
  /** What was last written of each, until the cache shows it. */
  readonly #written = new Map<string, string>()

  constructor(ctx: ControllerContext, localZone: string) {
    this.#ctx = ctx
    this.#localZone = localZone
    this.#cronJobs = ctx.informers.of(resources.cronJobs)
    this.#jobs = ctx.informers.indexed(resources.jobs, byController)
    this.#events = ctx.events('cronjob-controller')
    this.#queue = startQueue(ctx, {
      name: 'cronjob',
      concurrency: 5,
      after: [this.#cronJobs, this.#jobs],
      reconcile: (key) => this.#reconcile(key),
    })
  }

  start(): void {
    this.#cronJobs.onChange(({ type, object }) => {
      if (type === 'deleted') this.#written.delete(objectKey(object))
      this.#queue.add(objectKey(object))
    })
    this.#jobs.onChange((change) => this.#jobChanged(change))
  }

  #jobChanged({ object }: CacheChange<Job>): void {
    const owner = controllerOf(object)
    if (owner?.kind === 'CronJob') this.#queue.add(`${object.metadata.namespace}/${owner.name}`)
  }

  async #reconcile(key: string): Promise<void> {
    const cronJob = this.#cronJobs.get(key)
    if (!cronJob) return
    // An older status would start a Job again; the event of the newer one brings the CronJob back.
    if (BigInt(cronJob.metadata.resourceVersion ?? '0') < BigInt(this.#written.get(key) ?? '0')) return
    const jobs = this.#jobs.byIndex(byController.name, cronJob.metadata.uid ?? '')
    const observed = await this.#observe(cronJob, jobs)
    const scheduled = await this.#schedule(cronJob, observed)
    const status = await this.#cleanUp(cronJob, jobs, scheduled)
    await this.#updateStatus(key, cronJob, status)
  }

  async #observe(cronJob: CronJob, jobs: readonly Job[]): Promise<CronJobStatus> {
    const { status, events, missing } = observe(cronJob, jobs)
    for (const { type, reason, message } of events) this.#events.event(cronJob, type, reason, message)
    let active = status.active ?? []
    for (const reference of missing) {
      if (await this.#live(reference)) continue
      this.#events.event(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`)
      active = active.filter((one) => one !== reference)
    }
    return withActive(status, active)
  }

  /** Undefined: it is gone, and not only late in the cache. */
  async #live({ namespace = '', name = '', uid }: ObjectReference): Promise<Job | undefined> {
    const job = await tolerateGone(this.#ctx.client.get(resources.jobs, { namespace, name }))
    return job?.metadata.uid === uid ? job : undefined
  }

  /** Starts the Job whose time has come, and comes back for the next. */
  async #schedule(cronJob: CronJob, status: CronJobStatus): Promise<CronJobStatus> {
    if (cronJob.metadata.deletionTimestamp || cronJob.spec.suspend) return status
    const schedule = scheduleOf(cronJob, this.#localZone)
    if ('reason' in schedule) {
      this.#events.event(cronJob, 'Warning', schedule.reason, schedule.message)
      return status
    }
    const now = this.#ctx.clock.now().getTime()
    const waitMs = nextInMs(cronJob, schedule, now)
    if (waitMs !== undefined) this.#queue.addAfter(objectKey(cronJob), waitMs)
    const { time, missedMany } = dueTime(cronJob, schedule, now)
    if (time === undefined || formatTime(new Date(time)) === status.lastScheduleTime) return status
    if (missedMany) {
      const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'
      this.#events.event(cronJob, 'Warning', 'TooManyMissedTimes', message)
    }
    const { startingDeadlineSeconds } = cronJob.spec
    if (startingDeadlineSeconds !== undefined && time + startingDeadlineSeconds * 1000 < now) {
      const message = `Missed scheduled time to start a job: ${rfc1123(time)}`
      this.#events.event(cronJob, 'Warning', 'MissSchedule', message)
      return status
    }
    return this.#startJob(cronJob, status, time)
  }

  async #startJob(cronJob: CronJob, status: CronJobStatus, time: number): Promise<CronJobStatus> {
    const { concurrencyPolicy } = cronJob.spec
    let active = status.active ?? []
    const name = jobName(cronJob, time)
    if (active.some((reference) => reference.name === name)) return status
    if (concurrencyPolicy === 'Forbid' && active.length > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid'
      this.#events.event(cronJob, 'Normal', 'JobAlreadyActive', message)
      return status
    }
    if (concurrencyPolicy === 'Replace') {
      for (const { namespace = '', name: old = '' } of active) await this.#deleteJob(cronJob, { namespace, name: old })
      active = []
    }
    const job = await this.#createJob(cronJob, name, time)
    if (!job) return withActive(status, active)
    const lastScheduleTime = formatTime(new Date(time))
    return { ...withActive(status, [...active, referenceTo(job)]), lastScheduleTime }
  }

  /** Undefined: one of this name is somebody else's, or cannot be made any more. */
  async #createJob(cronJob: CronJob, name: string, time: number): Promise<Job | undefined> {
    try {
      const job = await this.#ctx.client.create(
        resources.jobs,
        jobFor(cronJob, { name, time, localZone: this.#localZone }),
      )
      this.#events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`)
      return job
    } catch (error) {
      if (namespaceTerminating(error)) return undefined
      if (!isReason(error, 'AlreadyExists')) {
        this.#events.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`)
        throw error
      }
      // Made by this controller before it could write so, most likely.
      const namespace = cronJob.metadata.namespace ?? ''
      const existing = await this.#ctx.client.get(resources.jobs, { namespace, name })
      return controllerOf(existing)?.uid === cronJob.metadata.uid ? existing : undefined
    }
  }

  async #cleanUp(cronJob: CronJob, jobs: readonly Job[], status: CronJobStatus): Promise<CronJobStatus> {
    const deleted = pastHistory(cronJob, jobs).filter(({ metadata }) => !metadata.deletionTimestamp)
    for (const { metadata } of deleted) await this.#deleteJob(cronJob, metadata)
    const uids = new Set(deleted.map(({ metadata }) => metadata.uid))
    return withActive(
      status,
      (status.active ?? []).filter(({ uid }) => !uids.has(uid)),
    )
  }

  async #deleteJob(cronJob: CronJob, at: { namespace?: string; name: string }): Promise<void> {
    try {
      await tolerateGone(this.#ctx.client.delete(resources.jobs, at, { propagationPolicy: 'Background' }))
      this.#events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${at.name}`)
    } catch (error) {
      this.#events.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${(error as Error).message}`)
      throw error
    }
  }

  async #updateStatus(key: string, cronJob: CronJob, status: CronJobStatus): Promise<void> {
    if (sameJson(cronJob.status ?? {}, status)) return
    const written = await tolerateGone(this.#ctx.client.updateStatus(resources.cronJobs, { ...cronJob, status }))
    if (written) this.#written.set(key, written.metadata.resourceVersion ?? '0')
  }
}

/** The same for the same time, so that no time gets two Jobs. */
function jobName({ metadata }: CronJob, time: number): string {
  return `${metadata.name}-${Math.floor(time / 60_000)}`
}

function jobFor(cronJob: CronJob, { name, time, localZone }: { name: string; time: number; localZone: string }): Job {
  const { jobTemplate, timeZone = localZone } = cronJob.spec
  const { labels, annotations } = jobTemplate.metadata ?? {}
  return {
    metadata: {
      name,
      namespace: cronJob.metadata.namespace ?? '',
      ...(labels && { labels: { ...labels } }),
      annotations: { ...annotations, [scheduledAnnotation]: wallClock(timeZone).format(time) },
      creationTimestamp: formatTime(new Date(time)),
      ownerReferences: [controllerReference(resources.cronJobs, cronJob)],
    },
    ...(jobTemplate.spec && { spec: structuredClone(jobTemplate.spec) }),
  }
}

function referenceTo({ metadata: { namespace = '', name, uid = '', resourceVersion = '' } }: Job): ObjectReference {
  return { apiVersion: 'batch/v1', kind: 'Job', namespace, name, uid, resourceVersion }
}

/** As Go's time.RFC1123Z, in UTC. */
function rfc1123(time: number): string {
  return new Date(time).toUTCString().replace('GMT', '+0000')
}
