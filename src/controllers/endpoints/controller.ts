/** The edge: informers in, Endpoints writes out. */
import type { Endpoints, Service } from '../../api/generated/v1.ts'
import { objectKey, splitKey } from '../../api/machinery/object.ts'
import { isReason, StatusError } from '../../api/machinery/status.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { ownSelector, podsOf } from './matching.ts'
import { Pacer } from './pacer.ts'
import { isManaged, reconcileEndpoints } from './reconcile.ts'
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
      if (await controller.sync(key)) pacer.wrote(key)
      if (!source.services.get(key)) pacer.forget(key)
    },
    concurrency,
    after: [source.services, source.pods, endpoints],
  })
  const pacer = new Pacer(queue, ctx.clock)
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
  readonly #triggerTimes = new TriggerTimes()

  constructor(ctx: ControllerContext, source: ServiceSource, cached: (key: string) => Endpoints | undefined) {
    this.#ctx = ctx
    this.#source = source
    this.#cached = cached
    this.written = new Written(ctx.clock)
  }

  /** True when something was written. */
  async sync(key: string): Promise<boolean> {
    const service = this.#source.services.get(key)
    if (!service) {
      this.#triggerTimes.forget(key)
      return this.#remove(key)
    }
    // ExternalName has no endpoints; left-overs of an earlier type go. Without a selector they are the user's.
    if (service.spec?.type === 'ExternalName') return this.#remove(key)
    if (!ownSelector(service) || service.metadata.deletionTimestamp) return false
    return this.#write(key, service)
  }

  async #write(key: string, service: Service): Promise<boolean> {
    const pods = podsOf(this.#source.pods, service)
    const trigger = this.#triggerTimes.of(key, service, pods)
    const plan = reconcileEndpoints({ service, pods, current: this.#current(key), triggerTime: trigger.time })
    try {
      const { client } = this.#ctx
      if (plan.type !== 'keep') this.written.put(await client[plan.type](resources.endpoints, plan.object))
      trigger.commit()
      return plan.type !== 'keep'
    } catch (error) {
      if (isNamespaceTerminating(error)) return false
      this.written.forget(key)
      throw error
    }
  }

  async #remove(key: string): Promise<boolean> {
    const current = this.#current(key)
    if (!current || !isManaged(current)) return false
    const { uid } = current.metadata
    try {
      await this.#ctx.client.delete(resources.endpoints, splitKey(key), { ...(uid && { preconditions: { uid } }) })
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error
    }
    this.written.delete(current)
    return true
  }

  #current(key: string): Endpoints | undefined {
    const cached = this.#cached(key)
    return this.written.view(cached ? [cached] : [], (object) => objectKey(object) === key)[0]
  }
}

/** Nothing can be created there any more; the Service goes soon, too. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes?.some((c) => c.reason === 'NamespaceTerminating') ?? false)
  )
}
