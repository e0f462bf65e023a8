/** The edge of the audit of cluster IPs: informers in, IPAddresses and Events out. */

import { clusterIPsOf } from '../../api/core/service/kind.ts'
import type { IPAddress } from '../../api/generated/networking.k8s.io.v1.ts'
import type { Service } from '../../api/generated/v1.ts'
import { type KubeObject, objectKey, splitKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import { serviceIPAddress, serviceOf } from '../../api/networking/ipaddress.ts'
import { defaultServiceCidr } from '../../api/networking/servicecidr.ts'
import type { Resource } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import { canonical } from '../../lib/ip.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { containing } from '../servicecidr/plan.ts'
import { auditIntervalMs, every } from './every.ts'
import { checkClusterIP, checkIPAddress, type Finding, holds, isManaged, leaked } from './findings.ts'

/** Both watches have told their part of a write by then. */
const settleMs = 1000
/** Elsewhere an IPAddress is written before its Service: a request's time limit. */
const leakGraceMs = 60_000

export function startAddressRepair(ctx: ControllerContext): void {
  const services = ctx.informers.of(resources.services)
  const addresses = ctx.informers.of(resources.ipAddresses)
  const cidrs = ctx.informers.of(resources.serviceCidrs)
  const repair = new AddressRepair(ctx)
  const after = [services, addresses, cidrs]
  const serviceQueue = startQueue(ctx, {
    name: 'clusterip-repair',
    reconcile: (key) => repair.service(services.get(key)),
    after,
  })
  const addressQueue = startQueue(ctx, {
    name: 'ipaddress-repair',
    reconcile: async (key) => {
      const again = await repair.address(addresses.get(key))
      if (again > 0) addressQueue.addAfter(key, again)
    },
    after,
  })
  services.onChange(({ type, object }) => {
    if (type !== 'deleted' && clusterIPsOf(object).length > 0) serviceQueue.addAfter(objectKey(object), settleMs)
  })
  addresses.onChange(({ type, object }) => {
    if (type === 'deleted') {
      const holder = serviceOf(object)
      if (holder !== undefined) serviceQueue.addAfter(holder, settleMs)
    } else if (isManaged(object)) addressQueue.addAfter(object.metadata.name, settleMs)
  })
  const all = () => {
    for (const service of services.list()) serviceQueue.add(objectKey(service))
    for (const address of addresses.list()) addressQueue.add(address.metadata.name)
  }
  every(ctx, auditIntervalMs, all)
}

class AddressRepair {
  readonly #ctx: ControllerContext
  readonly #events: ReturnType<ControllerContext['events']>

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#events = ctx.events('ipallocator-repair-controller')
  }

  async service(service: Service | undefined): Promise<void> {
    const cidrs = this.#ctx.informers.of(resources.serviceCidrs)
    // Before the cluster's own range is known, every address would be outside of all ranges.
    if (!service || service.metadata.deletionTimestamp || !cidrs.get(defaultServiceCidr)) return
    for (const text of clusterIPsOf(service)) {
      const address = canonical(text)
      if (!address) {
        const message = `Cluster IP ${text} is not a valid IP; please recreate Service`
        this.#events.event(service, 'Warning', 'ClusterIPNotValid', message)
        continue
      }
      await this.#clusterIP(service, address)
    }
  }

  /** Returns after how many milliseconds to look again. */
  async address(object: IPAddress | undefined): Promise<number> {
    if (!object) return 0
    const key = serviceOf(object)
    const cached = key === undefined ? undefined : this.#ctx.informers.of(resources.services).get(key)
    if (!checkIPAddress(object, cached)) return 0
    // The caches may be behind: what is done is decided on what the server says now.
    const holder = key === undefined ? undefined : await this.#find(resources.services, key)
    const current = await this.#find(resources.ipAddresses, object.metadata.name)
    const finding = current && checkIPAddress(current, holder)
    if (!current || !finding) return 0
    if (finding !== 'leaked') {
      await this.#act(current, finding, { address: current })
      return 0
    }
    const age = this.#ctx.clock.now().getTime() - Date.parse(current.metadata.creationTimestamp ?? '')
    if (age <= leakGraceMs) return leakGraceMs - age + settleMs
    await this.#act(current, leaked(current), { address: current })
    return 0
  }

  async #clusterIP(service: Service, address: string): Promise<void> {
    const { informers } = this.#ctx
    const services = informers.of(resources.services)
    const inRange = containing(address, informers.of(resources.serviceCidrs).list()).length > 0
    const cached = informers.of(resources.ipAddresses).get(address)
    if (!checkClusterIP(service, { address, object: cached, service: (key) => services.get(key), inRange })) return
    const object = await this.#find(resources.ipAddresses, address)
    const current = await this.#find(resources.services, objectKey(service))
    if (!current || current.metadata.uid !== service.metadata.uid || !holds(current, address)) return
    const key = object && serviceOf(object)
    const other = key === undefined ? undefined : await this.#find(resources.services, key)
    const finding = checkClusterIP(current, { address, object, service: () => other, inRange })
    if (finding) await this.#act(current, finding, { address: object, create: serviceIPAddress(address, current) })
  }

  async #act(
    subject: KubeObject,
    finding: Finding,
    { address, create }: { address: IPAddress | undefined; create?: IPAddress },
  ): Promise<void> {
    const { client, log } = this.#ctx
    if (finding.repair && address) {
      const { name, uid } = address.metadata
      try {
        await client.delete(resources.ipAddresses, { name }, { ...(uid && { preconditions: { uid } }) })
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error
      }
    }
    if (create && finding.repair) {
      try {
        await client.create(resources.ipAddresses, create)
      } catch (error) {
        if (isReason(error, 'AlreadyExists')) return
        throw error
      }
    }
    log.warn({ object: objectKey(subject), reason: finding.reason }, finding.message)
    this.#events.event(subject, 'Warning', finding.reason, finding.message)
  }

  async #find<T extends KubeObject>(resource: Resource<T>, key: string): Promise<T | undefined> {
    try {
      return await this.#ctx.client.get(resource, splitKey(key))
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined
      throw error
    }
  }
}
