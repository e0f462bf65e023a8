/**
 * Cluster IPs as the objects say: an IPAddress for each address that is held, ServiceCIDRs for the ranges new ones come
 * from. The allocator writes IPAddresses itself, in the transaction of the Service.
 */
import { randomUUID } from 'node:crypto'
import type { IPAddress, ServiceCIDR } from '../../api/generated/networking.k8s.io.v1.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { formatTime } from '../../api/machinery/time.ts'
import { ipAddressDefinition, serviceIPAddress, serviceOf } from '../../api/networking/ipaddress.ts'
import {
  cidrsOf,
  defaultServiceCidr,
  isReadyServiceCidr,
  serviceCidrDefinition,
} from '../../api/networking/servicecidr.ts'
import type { ClusterSettings } from '../../api/resource.ts'
import type { Clock } from '../../lib/clock.ts'
import { parseCidr } from '../../lib/ip.ts'
import { encodeStored } from '../cache/entry.ts'
import type { Feed } from '../cache/feed.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import { Registry, storeKey } from '../registry.ts'
import { type AddressRange, addressRange, inRange, pickFree } from './address-range.ts'
import type { Claim } from './allocator.ts'

const registry = new Registry([ipAddressDefinition, serviceCidrDefinition])
const ipAddresses = registry.served(ipAddressDefinition)
const serviceCidrs = registry.served(serviceCidrDefinition)

export interface AddressBookOptions {
  readonly feed: Feed
  readonly settings: Pick<ClusterSettings, 'serviceCidrs'>
  readonly clock: Clock
}

export class AddressBook {
  readonly #options: AddressBookOptions
  /** Of the list of ServiceCIDRs they were made from. */
  #ranges: { readonly from: readonly unknown[]; readonly ranges: readonly AddressRange[] } | undefined

  constructor(options: AddressBookOptions) {
    this.#options = options
  }

  /** Everything that is durable now. */
  async current(): Promise<Addresses> {
    const { feed, settings } = this.#options
    const [held, cidrs] = await Promise.all([feed.cache(ipAddresses), feed.cache(serviceCidrs)])
    await feed.current()
    const from = cidrs.list('')
    if (this.#ranges?.from !== from) {
      const objects = from.map(({ object }) => object as ServiceCIDR)
      this.#ranges = { from, ranges: rangesOf(objects, settings.serviceCidrs) }
    }
    return new Addresses(held, this.#ranges.ranges)
  }

  key(address: string): string {
    return storeKey(ipAddresses, '', address)
  }

  /** `address` for the Service. */
  claim(address: string, service: KubeObject): Claim {
    const object = serviceIPAddress(address, service)
    const metadata = {
      ...object.metadata,
      uid: randomUUID(),
      creationTimestamp: formatTime(this.#options.clock.now()),
    }
    return { key: this.key(address), value: encodeStored(ipAddresses, { ...object, metadata }) }
  }
}

/** A look at what is held. Addresses are in canonical form. */
export class Addresses {
  readonly #held: ResourceCache
  readonly #ranges: readonly AddressRange[]

  constructor(held: ResourceCache, ranges: readonly AddressRange[]) {
    this.#held = held
    this.#ranges = ranges
  }

  isHeld(address: string): boolean {
    return this.#held.get('', address) !== undefined
  }

  isHeldBy(address: string, service: string): boolean {
    const entry = this.#held.get('', address)
    return entry !== undefined && serviceOf(entry.object as IPAddress) === service
  }

  isInRange(address: string): boolean {
    return this.#ranges.some((range) => inRange(range, address))
  }

  /** From the first range that has one. */
  pick(family: string, random: () => number): string | undefined {
    for (const range of this.#ranges) {
      const address = range.family === family && pickFree(range, (ip) => this.isHeld(ip), random())
      if (address) return address
    }
    return undefined
  }
}

/** The cluster's own ranges first, then by name. Before the object for the cluster's own exists, the settings count. */
function rangesOf(cidrs: readonly ServiceCIDR[], settings: readonly string[]): AddressRange[] {
  const own = cidrs.find(({ metadata }) => metadata.name === defaultServiceCidr)
  const others = cidrs.filter((cidr) => cidr !== own && isReadyServiceCidr(cidr)).flatMap(cidrsOf)
  const first = !own ? settings : isReadyServiceCidr(own) ? cidrsOf(own) : []
  return [...new Set([...first, ...others])].flatMap((text) => {
    const cidr = parseCidr(text)
    return cidr ? [addressRange(cidr)] : []
  })
}
