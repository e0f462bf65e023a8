/**
 * The cluster as the zone sees it, kept up to date one object at a time. What a query needs is one map look-up away;
 * a Service's endpoints are put together at the first query after they changed.
 */
import { isIP } from 'node:net'
import type { EndpointSlice } from '../../api/generated/discovery.k8s.io.v1.ts'
import type { Namespace, Pod, Service } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { canonical } from '../../lib/ip.ts'
import { dashed } from './names.ts'

export interface PortEntry {
  /** Lower case; '' for an unnamed port. */
  readonly name: string
  readonly protocol: string
  /** Undefined: the object declares no ports, so there is an address and no SRV record. */
  readonly port: number | undefined
}

export interface ServiceEntry {
  readonly key: string
  readonly name: string
  readonly namespace: string
  readonly kind: 'clusterIP' | 'headless' | 'external'
  readonly addresses: readonly string[]
  readonly externalName: string
  readonly ports: readonly PortEntry[]
}

export interface EndpointEntry {
  readonly address: string
  /** First label of its name under the Service: its hostname, or its address with dashes. */
  readonly label: string
  readonly ports: readonly PortEntry[]
  readonly service: string
}

interface SliceEntry {
  readonly service: string
  readonly endpoints: readonly EndpointEntry[]
}

/** All ready endpoints of a Service, and the same by label. */
export interface EndpointSet {
  readonly all: readonly EndpointEntry[]
  readonly byLabel: ReadonlyMap<string, readonly EndpointEntry[]>
}

export interface ClusterOptions {
  /** Endpoints without a hostname are named by their pods. */
  readonly endpointPodNames?: boolean
  readonly now?: () => number
}

type Change<T> = { readonly type: 'added' | 'updated' | 'deleted'; readonly object: T }

const noPorts: readonly PortEntry[] = [{ name: '', protocol: '', port: undefined }]

export class Cluster {
  readonly #options: ClusterOptions
  readonly #namespaces = new Set<string>()
  readonly #services = new Map<string, ServiceEntry>()
  readonly #slices = new Map<string, SliceEntry>()
  readonly #slicesByService = new MultiMap<string>()
  readonly #servicesByAddress = new MultiMap<string>()
  readonly #slicesByAddress = new MultiMap<string>()
  readonly #podsByAddress = new MultiMap<string>()
  readonly #podAddresses = new Map<string, string>()
  readonly #endpointSets = new Map<string, EndpointSet>()
  #serial: number

  constructor(options: ClusterOptions = {}) {
    this.#options = options
    this.#serial = this.#seconds()
  }

  /** Seconds of the last change: the zone's serial number. */
  get serial(): number {
    return this.#serial
  }

  applyNamespace({ type, object }: Change<Namespace>): void {
    if (type === 'deleted') this.#namespaces.delete(object.metadata.name)
    else this.#namespaces.add(object.metadata.name)
    this.#touch()
  }

  applyService({ type, object }: Change<Service>): void {
    const key = objectKey(object)
    for (const address of this.#services.get(key)?.addresses ?? []) this.#servicesByAddress.delete(address, key)
    this.#services.delete(key)
    if (type !== 'deleted') {
      const entry = serviceEntry(key, object)
      this.#services.set(key, entry)
      for (const address of entry.addresses) this.#servicesByAddress.add(address, key)
    }
    this.#touch()
  }

  applySlice({ type, object }: Change<EndpointSlice>): void {
    const key = objectKey(object)
    this.#forgetSlice(key)
    if (type !== 'deleted') {
      const entry = sliceEntry(object, this.#options)
      this.#slices.set(key, entry)
      this.#slicesByService.add(entry.service, key)
      for (const { address } of entry.endpoints) this.#slicesByAddress.add(address, key)
      this.#endpointSets.delete(entry.service)
    }
    this.#touch()
  }

  applyPod({ type, object }: Change<Pod>): void {
    const key = objectKey(object)
    const known = this.#podAddresses.get(key)
    const ip = type === 'deleted' ? undefined : canonical(object.status?.podIP ?? '')
    if (known === ip) return
    if (known !== undefined) this.#podsByAddress.delete(known, key)
    this.#podAddresses.delete(key)
    if (ip !== undefined) {
      this.#podAddresses.set(key, ip)
      this.#podsByAddress.add(ip, key)
    }
    this.#touch()
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name)
  }

  service(key: string): ServiceEntry | undefined {
    return this.#services.get(key)
  }

  /** Services with this cluster IP. */
  servicesAt(address: string): ServiceEntry[] {
    return [...this.#servicesByAddress.get(address)].flatMap((key) => this.#services.get(key) ?? [])
  }

  /** Endpoints with this address, in all Services. */
  endpointsAt(address: string): EndpointEntry[] {
    return [...this.#slicesByAddress.get(address)].flatMap(
      (key) => this.#slices.get(key)?.endpoints.filter((endpoint) => endpoint.address === address) ?? [],
    )
  }

  hasPodAt(address: string, namespace: string): boolean {
    return [...this.#podsByAddress.get(address)].some((key) => key.startsWith(`${namespace}/`))
  }

  endpoints(service: string): EndpointSet {
    let set = this.#endpointSets.get(service)
    if (!set) {
      const slices = [...this.#slicesByService.get(service)]
      const all = slices.flatMap((key) => this.#slices.get(key)?.endpoints ?? [])
      set = { all, byLabel: Map.groupBy(all, ({ label }) => label) }
      this.#endpointSets.set(service, set)
    }
    return set
  }

  #forgetSlice(key: string): void {
    const old = this.#slices.get(key)
    if (!old) return
    for (const { address } of old.endpoints) this.#slicesByAddress.delete(address, key)
    this.#slicesByService.delete(old.service, key)
    this.#slices.delete(key)
    this.#endpointSets.delete(old.service)
  }

  #touch(): void {
    this.#serial = this.#seconds()
  }

  #seconds(): number {
    return Math.floor((this.#options.now?.() ?? Date.now()) / 1000)
  }
}

function serviceEntry(key: string, { metadata, spec = {} }: Service): ServiceEntry {
  const external = spec.type === 'ExternalName'
  const listed = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? '']
  const addresses = external ? [] : listed.flatMap((ip) => canonical(ip) ?? [])
  const ports = (spec.ports ?? []).map(({ name, protocol, port }) => portEntry(name, protocol, port))
  return {
    key,
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    kind: external ? 'external' : addresses.length > 0 ? 'clusterIP' : 'headless',
    addresses,
    externalName: external && spec.externalName && !isIP(spec.externalName) ? absolute(spec.externalName) : '',
    ports: ports.length > 0 ? ports : noPorts,
  }
}

function sliceEntry({ metadata, endpoints, ports }: EndpointSlice, { endpointPodNames }: ClusterOptions): SliceEntry {
  const service = `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`
  const entries = (ports ?? []).map(({ name, protocol, port }) => portEntry(name, protocol, port))
  const portsOfAll = entries.length > 0 ? entries : noPorts
  return {
    service,
    endpoints: (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses, hostname, targetRef }) => {
        // A pod's name may be too long for a label.
        const podName = endpointPodNames && targetRef?.name && targetRef.name.length < 64 ? targetRef.name : ''
        return addresses.flatMap((text) => {
          const address = canonical(text)
          const label = (hostname || podName || dashed(address ?? '')).toLowerCase()
          return address === undefined ? [] : [{ address, label, ports: portsOfAll, service }]
        })
      }),
  }
}

function portEntry(name = '', protocol = 'TCP', port?: number): PortEntry {
  return { name: name.toLowerCase(), protocol: protocol.toLowerCase(), port }
}

function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}

/** Sets of object keys by value. */
class MultiMap<K> {
  readonly #sets = new Map<K, Set<string>>()

  get(key: K): ReadonlySet<string> {
    return this.#sets.get(key) ?? emptySet
  }

  add(key: K, value: string): void {
    const set = this.#sets.get(key)
    if (set) set.add(value)
    else this.#sets.set(key, new Set([value]))
  }

  delete(key: K, value: string): void {
    const set = this.#sets.get(key)
    set?.delete(value)
    if (set?.size === 0) this.#sets.delete(key)
  }
}

const emptySet: ReadonlySet<string> = new Set()
