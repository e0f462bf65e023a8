/** What is wrong between a Service's cluster IP and the IPAddress of that name. Pure; the words are upstream's. */
import type { IPAddress } from '../../api/generated/networking.k8s.io.v1.ts'
import type { Service } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { ipAddressLabels, managedByLabel, serviceIpAllocator, serviceOf } from '../../api/networking/ipaddress.ts'
import { canonical } from '../../lib/ip.ts'

export interface Finding {
  readonly reason: string
  readonly message: string
  /** Absent: only the user can put it right. `recreate` removes the IPAddress that is there. */
  readonly repair?: 'create' | 'recreate' | 'delete'
}

export interface AddressFacts {
  /** Canonical. */
  readonly address: string
  readonly object: IPAddress | undefined
  /** By `NAMESPACE/NAME`. */
  readonly service: (key: string) => Service | undefined
  readonly inRange: boolean
}

/** About one cluster IP of a Service. */
export function checkClusterIP(service: Service, facts: AddressFacts): Finding | undefined {
  const { address, object, inRange } = facts
  const ip = `[${address.includes(':') ? 'IPv6' : 'IPv4'}]: ${address}`
  if (!inRange) {
    const message = `Cluster IP ${ip} is not within any configured Service CIDR; please recreate service`
    return { reason: 'ClusterIPOutOfRange', message }
  }
  if (!object) {
    return {
      reason: 'ClusterIPNotAllocated',
      message: `Cluster IP ${ip} is not allocated; repairing`,
      repair: 'create',
    }
  }
  const holder = serviceOf(object)
  const key = objectKey(service)
  if (holder === key) return hasLabels(object) ? undefined : wrongReference(ip, key)
  const other = holder === undefined ? undefined : facts.service(holder)
  if (!other || !holds(other, address)) return wrongReference(ip, key)
  const message = `Cluster IP ${ip.replace(': ', ':')} was assigned to multiple services; please recreate service`
  return { reason: 'ClusterIPAlreadyAllocated', message }
}

function wrongReference(ip: string, service: string): Finding {
  const message = `the ClusterIP ${ip} for Service ${service} has a wrong reference; repairing`
  return { reason: 'ClusterIPNotAllocated', message, repair: 'recreate' }
}

/** About an IPAddress that the allocator made. `leaked`: its Service is gone, and that is no news. */
export function checkIPAddress(object: IPAddress, holder: Service | undefined): Finding | 'leaked' | undefined {
  if (!isManaged(object)) return undefined
  const { name } = object.metadata
  const service = serviceOf(object)
  if (service === undefined) {
    const { group = '', resource, namespace = '', name: parent } = object.spec.parentRef
    const reference = `&{${group} ${resource} ${namespace} ${parent}}`
    const message = `IPAddress ${name} appears to have been modified, not referencing a Service ${reference}: cleaning up`
    return { reason: 'IPAddressNotAllocated', message, repair: 'delete' }
  }
  if (!holder) return 'leaked'
  if (holds(holder, name)) return undefined
  const message = `IPAddress: ${name} for Service ${service} has a wrong reference; cleaning up`
  return { reason: 'IPAddressWrongReference', message, repair: 'delete' }
}

export function leaked(object: IPAddress): Finding {
  const message = `IPAddress: ${object.metadata.name} for Service ${serviceOf(object)} appears to have leaked: cleaning up`
  return { reason: 'IPAddressNotAllocated', message, repair: 'delete' }
}

export function holds(service: Service, address: string): boolean {
  return (service.spec?.clusterIPs ?? []).some((ip) => canonical(ip) === address)
}

export function isManaged({ metadata }: IPAddress): boolean {
  return metadata.labels?.[managedByLabel] === serviceIpAllocator
}

function hasLabels({ metadata }: IPAddress): boolean {
  return Object.entries(ipAddressLabels(metadata.name)).every(([name, value]) => metadata.labels?.[name] === value)
}
