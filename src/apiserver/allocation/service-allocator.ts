/** Cluster IPs and node ports of Services (upstream's pkg/registry/core/service/storage/alloc.go). */
import type { Service } from '../../api/generated/v1.ts'
import { clusterIPsOf, isHeadless, needsClusterIP, specOf } from '../../api/core/service/kind.ts'
import { type FieldError, Path, invalid } from '../../api/machinery/field.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { internalError, invalidError } from '../../api/machinery/status.ts'
import type { ClusterSettings } from '../../api/resource.ts'
import { canonical, parseCidr } from '../../lib/ip.ts'
import type { Store } from '../../store/contract.ts'
import type { Feed } from '../cache/feed.ts'
import { type AddressRange, addressRange, inRange, pickFree } from './address-range.ts'
import type { AllocationPlan, Allocator, Claim } from './allocator.ts'
import { ClaimView } from './claims.ts'
import { heldPorts, planPorts } from './node-ports.ts'

export interface ServiceAllocatorOptions {
  readonly store: Store
  readonly feed: Feed
  readonly settings: ClusterSettings
  /** In [0, 1); tests choose. */
  readonly random?: () => number
}

export class ServiceAllocator implements Allocator {
  readonly #addresses: ClaimView
  readonly #ports: ClaimView
  readonly #ranges: readonly AddressRange[]
  readonly #settings: ClusterSettings
  readonly #random: () => number

  constructor({ store, feed, settings, random = Math.random }: ServiceAllocatorOptions) {
    this.#addresses = new ClaimView('/registry/ranges/clusterips/', store, feed)
    this.#ports = new ClaimView('/registry/ranges/nodeports/', store, feed)
    this.#ranges = settings.serviceCidrs.flatMap((text) => {
      const cidr = parseCidr(text)
      return cidr ? [addressRange(cidr)] : []
    })
    this.#settings = settings
    this.#random = random
  }

  async plan(next: KubeObject, old: KubeObject | undefined): Promise<AllocationPlan> {
    await this.#addresses.current()
    await this.#ports.current()
    const service = structuredClone(next) as Service
    const before: Service | undefined = old
    const addresses = this.#planAddresses(service, before ? clusterIPsOf(before).map(canonicalAddress) : [])
    const ports = planPorts(service, before, { view: this.#ports, settings: this.#settings, random: this.#random })
    const value = Buffer.from(JSON.stringify(holder(service)))
    const claims = [
      ...addresses.claims.map((ip) => this.#addresses.key(ip)),
      ...ports.claims.map((p) => this.#ports.key(p)),
    ]
    return {
      object: service,
      claims: claims.map((key): Claim => ({ key, value })),
      releases: [
        ...addresses.releases.map((ip) => this.#addresses.key(ip)),
        ...ports.releases.map((port) => this.#ports.key(port)),
      ],
    }
  }

  held(object: KubeObject): string[] {
    const service = object as Service
    return [
      ...clusterIPsOf(service).map((ip) => this.#addresses.key(canonicalAddress(ip))),
      ...heldPorts(service).map((port) => this.#ports.key(port)),
    ]
  }

  #planAddresses(service: Service, held: readonly string[]): { claims: string[]; releases: string[] } {
    if (needsClusterIP(service) && !isHeadless(service)) this.#fillIn(service, held)
    const wanted = clusterIPsOf(service).map(canonicalAddress)
    return {
      claims: wanted.filter((ip) => !held.includes(ip)),
      releases: held.filter((ip) => !wanted.includes(ip)),
    }
  }

  /** One address per family: the one asked for, or a free one. */
  #fillIn(service: Service, held: readonly string[]): void {
    const spec = specOf(service)
    const primary = this.#ranges[0]?.family ?? 'IPv4'
    const families = spec.ipFamilies?.length ? spec.ipFamilies : [primary]
    const asked = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : []
    const addresses = families.map((family, i) => {
      const address = asked[i]
      if (!address) return this.#pick(family)
      if (!held.includes(canonicalAddress(address))) this.#requireFree(service, address, asked)
      return address
    })
    spec.clusterIPs = addresses
    spec.clusterIP = addresses[0] ?? ''
  }

  #pick(family: string): string {
    for (const range of this.#ranges) {
      if (range.family !== family) continue
      const address = pickFree(range, (ip) => this.#addresses.has(ip), this.#random())
      if (address) return address
    }
    throw internalError('failed to allocate a serviceIP: range is full')
  }

  #requireFree(service: Service, address: string, asked: readonly string[]): void {
    const canonicalIp = canonicalAddress(address)
    const why = !this.#ranges.some((range) => inRange(range, canonicalIp))
      ? 'the provided network does not match the current range'
      : this.#addresses.has(canonicalIp)
        ? 'provided IP is already allocated'
        : ''
    if (why)
      throw refused(service, invalid(Path.of('spec', 'clusterIPs'), asked, `failed to allocate IP ${address}: ${why}`))
  }
}

export function refused(service: Service, error: FieldError) {
  return invalidError({ group: '', resource: 'Service' }, service.metadata.name, [error])
}

/** The holder of a claim, as an IPAddress object refers to it. */
function holder({ metadata }: Service) {
  return { resource: 'services', namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid ?? '' }
}

function canonicalAddress(address: string): string {
  return canonical(address) ?? address
}
