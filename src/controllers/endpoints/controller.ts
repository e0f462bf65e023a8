/** The edge: informers in, Endpoints writes out. */
import type { Endpoints, Service } from '../../api/generated/v1.ts'
import { objectKey, splitKey } from '../../api/machinery/object.ts'
import { isReason, StatusError } from '../../api/machinery/status.ts'
import type { EventRecorder } from '../../client/events.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { ownSelector, podsOf } from './matching.ts'
import { Pacer } from './pacer.ts'
import { type EndpointsPlan, isManaged, reconcileEndpoints } from './reconcile.ts'
import { type ServiceSource, serviceSource, watchServices } from './source.ts'
import { TriggerTimes } from './trigger-time.ts'
import { Written } from './written.ts'

/** Upstream's --concurrent-endpoint-syncs. */
const concurrency = 5

export function startEndpointsController(ctx: ControllerContext): void {
  const source = serviceSource(ctx)
  const endpoints = ctx.informers.of(resources.endpoints)
  const controller = new EndpointsController(ctx, source, (key) => endpoints.get(key))
  const queue = startQueue(ctx, {
    name: 'endpoints',
    reconcile: async (key) => {
      const written = await controller.sync(key)
      if (written !== undefined) pacer.wrote(key, written)
      if (!source.services.get(key)) pacer.forget(key)
    },
    concurrency,
    after: [source.services, source.pods, endpoints],
  })
  const pacer = new Pacer(queue, ctx.clock)
  source.services.onChange(({ type, object }) => {
    if (type === 'deleted') controller.serviceDeleted(objectKey(object))
  })
  watchServices(source, (key) => pacer.add(key))
  endpoints.onChange((change) => {
    // An object that someone changed or deleted is put right.
    if (!controller.written.observe(change)) pacer.add(objectKey(change.object))
  })
}

class EndpointsController {
  readonly written: Written<Endpoints>
  readonly #ctx: ControllerContext
  readonly #source: ServiceSource
  readonly #cached: (key: string) => Endpoints | undefined
  readonly #events: EventRecorder
  readonly #triggerTimes = new TriggerTimes()
  /** Services that were there, until their Endpoints are gone. */
  readonly #deleted = new Set<string>()

  constructor(ctx: ControllerContext, source: ServiceSource, cached: (key: string) => Endpoints | undefined) {
    this.#ctx = ctx
    this.#events = ctx.events('endpoint-controller')
    this.#source = source
    this.#cached = cached
    this.written = new Written({ clock: ctx.clock, views: (object) => [objectKey(object)] })
  }

  /** Hand-written Endpoints go with their Service, too; those that never had one are left alone. */
  serviceDeleted(key: string): void {
    this.#deleted.add(key)
  }

  /** The number of endpoints when something was written. */
  async sync(key: string): Promise<number | undefined> {
    const service = this.#source.services.get(key)
    if (!service) {
      this.#triggerTimes.forget(key)
      const removed = await this.#remove(key, { handWritten: this.#deleted.has(key) })
      this.#deleted.delete(key)
      return removed
    }
    this.#deleted.delete(key)
    // ExternalName has no endpoints; left-overs of an earlier type go. Without a selector they are the user's.
    if (service.spec?.type === 'ExternalName') return this.#remove(key)
    if (!ownSelector(service) || service.metadata.deletionTimestamp) return undefined
    return this.#write(key, service)
  }

  async #write(key: string, service: Service): Promise<number | undefined> {
    const pods = podsOf(this.#source.pods, service)
    const trigger = this.#triggerTimes.of(key, service, pods)
    const plan = reconcileEndpoints({ service, pods, current: this.#current(key), triggerTime: trigger.time })
    try {
      const { client } = this.#ctx
      if (plan.type !== 'keep') this.written.put(await client[plan.type](resources.endpoints, plan.object))
      trigger.commit()
      return plan.type === 'keep' ? undefined : pods.length
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined
      this.written.forget(key)
      if (plan.type !== 'keep') this.#report(plan, service, error)
      throw error
    }
  }

  #report({ type, object }: Exclude<EndpointsPlan, { type: 'keep' }>, { metadata }: Service, error: unknown): void {
    const name = `${metadata.namespace}/${metadata.name}`
    const about = { ...object, apiVersion: 'v1', kind: 'Endpoints' }
    const text = error instanceof Error ? error.message : String(error)
    if (type === 'create')
      this.#events.event(
        about,
        'Warning',
        'FailedToCreateEndpoint',
        `Failed to create endpoint for service ${name}: ${text}`,
      )
    else this.#events.event(about, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${name}: ${text}`)
  }

  async #remove(key: string, { handWritten = false } = {}): Promise<number | undefined> {
    const current = this.#current(key)
    if (!current || !(handWritten || isManaged(current))) return undefined
    const { uid } = current.metadata
    try {
      await this.#ctx.client.delete(resources.endpoints, splitKey(key), { ...(uid && { preconditions: { uid } }) })
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error
    }
    this.written.delete(current)
    return 0
  }

  #current(key: string): Endpoints | undefined {
    const cached = this.#cached(key)
    return this.written.view(cached ? [cached] : [], key)[0]
  }
}

/** Nothing can be created there any more; the Service goes soon, too. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes?.some((c) => c.reason === 'NamespaceTerminating') ?? false)
  )
}
