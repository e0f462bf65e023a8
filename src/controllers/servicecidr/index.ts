/**
 * Keeps ServiceCIDRs: makes the cluster's own one, says when one is ready, and lets none go that addresses of Services
 * depend on (KEP-1880).
 */
import type { IPAddress, ServiceCIDR } from '../../api/generated/networking.k8s.io.v1.ts'
import { isReason } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { managedByLabel, serviceIpAllocator } from '../../api/networking/ipaddress.ts'
import { cidrsOf, defaultServiceCidr, serviceCidrFinalizer } from '../../api/networking/servicecidr.ts'
import type { EventRecorder } from '../../client/events.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { sameJson } from '../shared/hash.ts'
import { canDelete, containing, inUseCondition, overlapping, readyCondition, withCondition } from './plan.ts'

/** Allocators of other API servers may not have seen the deletion yet. */
const deletionGraceMs = 10_000

export function startServiceCidrController(ctx: ControllerContext): void {
  const cidrs = ctx.informers.of(resources.serviceCidrs)
  const addresses = ctx.informers.of(resources.ipAddresses)
  const sync = new Sync(ctx, () => addresses.list())
  const queue = startQueue(ctx, {
    name: 'service-cidr',
    reconcile: async (name) => {
      const again = await sync.reconcile(name, cidrs.get(name), cidrs.list())
      if (again > 0) queue.addAfter(name, again)
    },
    after: [cidrs, addresses],
  })
  cidrs.onChange(({ object }) => {
    queue.add(object.metadata.name)
    // One that waits for its deletion may be covered by this one now.
    for (const name of overlapping(object, cidrs.list())) queue.add(name)
  })
  addresses.onChange(({ type, object }) => {
    if (type === 'updated' || object.metadata.labels?.[managedByLabel] !== serviceIpAllocator) return
    for (const name of containing(object.metadata.name, cidrs.list())) {
      if (cidrs.get(name)?.metadata.deletionTimestamp) queue.add(name)
    }
  })
  queue.add(defaultServiceCidr)
}

class Sync {
  readonly #ctx: ControllerContext
  readonly #addresses: () => readonly IPAddress[]
  readonly #events: EventRecorder
  #mismatchReported = false

  constructor(ctx: ControllerContext, addresses: () => readonly IPAddress[]) {
    this.#ctx = ctx
    this.#addresses = addresses
    this.#events = ctx.events('service-cidr-controller')
  }

  /** Returns after how many milliseconds to look again; 0: when something changes. */
  async reconcile(name: string, cidr: ServiceCIDR | undefined, all: readonly ServiceCIDR[]): Promise<number> {
    if (!cidr) {
      if (name === defaultServiceCidr) await this.#createDefault()
      return 0
    }
    if (cidr.metadata.deletionTimestamp) return this.#finishDeletion(cidr, all)
    const current = await this.#protect(name === defaultServiceCidr ? await this.#upgradeDefault(cidr) : cidr)
    await this.#setCondition(current, readyCondition)
    return 0
  }

  async #createDefault(): Promise<void> {
    const { client, settings } = this.#ctx
    const metadata = { name: defaultServiceCidr, finalizers: [serviceCidrFinalizer] }
    try {
      await client.create(resources.serviceCidrs, { metadata, spec: { cidrs: [...settings.serviceCidrs] } })
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error
    }
  }

  /** A cluster that became dual stack has a second range; other differences are for the administrator. */
  async #upgradeDefault(cidr: ServiceCIDR): Promise<ServiceCIDR> {
    const { client, settings } = this.#ctx
    const wanted = settings.serviceCidrs
    const existing = cidrsOf(cidr)
    if (sameJson(existing, wanted)) return cidr
    if (existing.length === 1 && wanted.length === 2 && existing[0] === wanted[0]) {
      return client.update(resources.serviceCidrs, { ...cidr, spec: { cidrs: [...wanted] } })
    }
    if (!this.#mismatchReported) {
      this.#mismatchReported = true
      const message = `The default ServiceCIDR [${existing.join(' ')}] does not match the controller flag configurations [${wanted.join(' ')}]`
      this.#events.event(cidr, 'Warning', 'KubernetesDefaultServiceCIDRInconsistent', message)
    }
    return cidr
  }

  async #protect(cidr: ServiceCIDR): Promise<ServiceCIDR> {
    const finalizers = cidr.metadata.finalizers ?? []
    if (finalizers.includes(serviceCidrFinalizer)) return cidr
    const metadata = { ...cidr.metadata, finalizers: [...finalizers, serviceCidrFinalizer] }
    return this.#ctx.client.update(resources.serviceCidrs, { ...cidr, metadata })
  }

  async #finishDeletion(cidr: ServiceCIDR, all: readonly ServiceCIDR[]): Promise<number> {
    const { metadata } = cidr
    const finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== serviceCidrFinalizer)
    if (finalizers.length === (metadata.finalizers ?? []).length) return 0
    if (!canDelete(cidr, all, this.#addresses())) {
      await this.#setCondition(cidr, inUseCondition)
      return 0
    }
    const age = this.#ctx.clock.now().getTime() - Date.parse(metadata.deletionTimestamp ?? '')
    if (age < deletionGraceMs) return deletionGraceMs - age
    try {
      await this.#ctx.client.update(resources.serviceCidrs, { ...cidr, metadata: { ...metadata, finalizers } })
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
    return 0
  }

  async #setCondition(cidr: ServiceCIDR, condition: typeof readyCondition): Promise<void> {
    const before = cidr.status?.conditions
    const conditions = withCondition(before, condition, formatTime(this.#ctx.clock.now()))
    if (sameJson(conditions, before)) return
    await this.#ctx.client.updateStatus(resources.serviceCidrs, { ...cidr, status: { ...cidr.status, conditions } })
  }
}
