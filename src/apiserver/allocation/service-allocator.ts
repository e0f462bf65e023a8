/** Cluster IPs and node ports of Services (upstream's pkg/registry/core/service/storage/alloc.go). */
import { initFamilies } from '../../api/core/service/families.ts'
import { clusterIPsOf, isHeadless, needsClusterIP, specOf } from '../../api/core/service/kind.ts'
import type { Service } from '../../api/generated/v1.ts'
import { type FieldError, invalid, Path } from '../../api/machinery/field.ts'
import { type KubeObject, objectKey } from '../../api/machinery/object.ts'
import { internalError, invalidError, type StatusError } from '../../api/machinery/status.ts'
import type { ClusterSettings } from '../../api/resource.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { canonical } from '../../lib/ip.ts'
import type { Store } from '../../store/contract.ts'
import type { Feed } from '../cache/feed.ts'
import { AddressBook, type Addresses } from './address-book.ts'
import type { AllocationPlan, Allocator } from './allocator.ts'
import { ClaimView, encodeHolder, nodePortPrefix } from './claims.ts'
import { heldPorts, planPorts } from './node-ports.ts'

export interface ServiceAllocatorOptions {
  readonly store: Store
  readonly feed: Feed
  readonly settings: ClusterSettings
  readonly clock?: Clock
  /** In [0, 1); tests choose. */
  readonly random?: () => number
}

export class ServiceAllocator implements Allocator {
  readonly #book: AddressBook
  readonly #ports: ClaimView
  readonly #settings: ClusterSettings
  readonly #random: () => number

  constructor({ store, feed, settings, clock = systemClock, random = Math.random }: ServiceAllocatorOptions) {
    this.#book = new AddressBook({ feed, settings, clock })
    this.#ports = new ClaimView(nodePortPrefix, store, feed)
    this.#settings = settings
    this.#random = random
  }

  async plan(next: KubeObject, old: KubeObject | undefined): Promise<AllocationPlan> {
    const addresses = await this.#book.current()
    await this.#ports.current()
    const service = copyOf(next)
    const before: Service | undefined = old
    const refused = initFamilies(service, before, this.#settings)
    if (refused.length > 0) throw invalidService(service, refused)
    const heldIPs = before ? addressesOf(before) : []
    if (needsClusterIP(service) && !isHeadless(service)) this.#fillIn(service, heldIPs, addresses)
    const wanted = addressesOf(service)
    const ports = planPorts(service, before, { view: this.#ports, settings: this.#settings, random: this.#random })
    const holder = encodeHolder({ namespace: service.metadata.namespace ?? '', name: service.metadata.name })
    const given = {
      addresses: heldIPs.filter((ip) => !wanted.includes(ip)),
      ports: ports.releases,
    }
    return {
      object: service,
      claims: [
        ...wanted.filter((ip) => !heldIPs.includes(ip)).map((ip) => this.#book.claim(ip, service)),
        ...ports.claims.map((port) => ({ key: this.#ports.key(port), value: holder })),
      ],
      releases: this.#ownKeys(service, addresses, given),
    }
  }

  async releases(object: KubeObject): Promise<readonly string[]> {
    const addresses = await this.#book.current()
    await this.#ports.current()
    return this.#ownKeys(object, addresses, { addresses: addressesOf(object), ports: heldPorts(object) })
  }

  /** What another Service holds is not given back with this one, whatever this one says. */
  #ownKeys(
    service: KubeObject,
    addresses: Addresses,
    given: { readonly addresses: readonly string[]; readonly ports: readonly string[] },
  ): string[] {
    const key = objectKey(service)
    return [
      ...given.addresses.filter((ip) => addresses.isHeldBy(ip, key)).map((ip) => this.#book.key(ip)),
      ...given.ports.filter((port) => this.#ports.holder(port) === key).map((port) => this.#ports.key(port)),
    ]
  }

  /** One address per family: the one asked for, or a free one. */
  #fillIn(service: Service, held: readonly string[], addresses: Addresses): void {
    const spec = specOf(service)
    const asked = spec.clusterIPs ?? []
    const given = (spec.ipFamilies ?? []).map((family, i) => {
      const address = asked[i]
      if (!address) return this.#pick(service, family, addresses)
      if (!held.includes(canonicalAddress(address))) requireFree(service, address, addresses)
      return address
    })
    spec.clusterIPs = given
    spec.clusterIP = given[0] ?? ''
  }

  #pick({ metadata }: Service, family: string, addresses: Addresses): string {
    const address = addresses.pick(family, this.#random)
    if (address) return address
    throw internalError(`failed to allocate a serviceIP for Service ${JSON.stringify(metadata.name)}: range is full`)
  }
}

function requireFree(service: Service, address: string, addresses: Addresses): void {
  const canonicalIp = canonicalAddress(address)
  const why = !addresses.isInRange(canonicalIp)
    ? 'the provided network does not match the current range'
    : addresses.isHeld(canonicalIp)
      ? 'provided IP is already allocated'
      : ''
  if (!why) return
  const path = Path.of('spec', 'clusterIPs')
  throw invalidService(service, [invalid(path, specOf(service).clusterIPs, `failed to allocate IP ${address}: ${why}`)])
}

/** Everything that allocation assigns to is copied: the spec and its ports. */
function copyOf(service: Service): Service {
  const { spec } = service
  if (!spec) return { ...service }
  return { ...service, spec: { ...spec, ...(spec.ports && { ports: spec.ports.map((port) => ({ ...port })) }) } }
}

function invalidService({ metadata }: Service, errors: FieldError[]): StatusError {
  return invalidError({ group: '', resource: 'Service' }, metadata.name, errors)
}

function addressesOf(service: Service): string[] {
  return clusterIPsOf(service).map(canonicalAddress)
}

function canonicalAddress(address: string): string {
  return canonical(address) ?? address
}
