/**
 * The canonical form of Endpoints subsets (upstream's RepackSubsets): the ports that one set of addresses offers share a
 * subset, each address and each port stands in one place. Pure. Upstream orders ports and subsets by a hash of Go's
 * memory; here they go by name and number.
 */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../generated/v1.ts'

/** Readiness by the address's key. */
type Readiness = Map<string, boolean>

interface Offer {
  /** Undefined: of subsets without ports. */
  readonly port: EndpointPort | undefined
  readonly ready: Readiness
}

export function repackSubsets(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const addresses = new Map<string, EndpointAddress>()
  const groups = Map.groupBy(offersOf(subsets, addresses).values(), ({ ready }) => readinessKey(ready))
  return [...groups.values()]
    .map((offers) => subsetOf(offers, addresses))
    .map((subset) => ({ subset, order: JSON.stringify(subset.ports ?? []) }))
    .sort((a, b) => compare(a.order, b.order))
    .map(({ subset }) => subset)
}

/** What each port is offered by; fills in `addresses` by their keys. */
function offersOf(subsets: readonly EndpointSubset[], addresses: Map<string, EndpointAddress>): Map<string, Offer> {
  const offers = new Map<string, Offer>()
  for (const { addresses: ready = [], notReadyAddresses: notReady = [], ports = [] } of subsets) {
    for (const address of [...ready, ...notReady]) addresses.set(addressKey(address), address)
    for (const port of ports.length > 0 ? ports : [undefined]) {
      const key = port ? portKey(port) : ''
      const offer = offers.get(key) ?? { port, ready: new Map() }
      offers.set(key, offer)
      // Not ready in one place is not ready.
      for (const address of ready) if (!offer.ready.has(addressKey(address))) offer.ready.set(addressKey(address), true)
      for (const address of notReady) offer.ready.set(addressKey(address), false)
    }
  }
  return offers
}

function subsetOf(offers: readonly Offer[], byKey: ReadonlyMap<string, EndpointAddress>): EndpointSubset {
  const ready: EndpointAddress[] = []
  const notReady: EndpointAddress[] = []
  for (const [key, isReady] of offers[0]?.ready ?? []) {
    const address = byKey.get(key)
    if (address) (isReady ? ready : notReady).push(address)
  }
  const ports = offers.flatMap(({ port }) => port ?? []).sort(byNameAndPort)
  return {
    ...(ready.length > 0 && { addresses: ready.sort(byIpAndUid) }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady.sort(byIpAndUid) }),
    ...(ports.length > 0 && { ports }),
  }
}

function addressKey({ ip, targetRef }: EndpointAddress): string {
  return `${ip} ${targetRef?.uid ?? ''}`
}

function portKey({ name = '', port, protocol = '', appProtocol }: EndpointPort): string {
  return JSON.stringify([name, port, protocol, appProtocol])
}

function readinessKey(readiness: Readiness): string {
  return [...readiness]
    .map(([key, ready]) => `${key} ${ready}`)
    .sort()
    .join()
}

export function byIpAndUid(a: EndpointAddress, b: EndpointAddress): number {
  return compare(a.ip, b.ip) || compare(a.targetRef?.uid ?? '', b.targetRef?.uid ?? '')
}

export function byNameAndPort(a: EndpointPort, b: EndpointPort): number {
  return compare(a.name ?? '', b.name ?? '') || a.port - b.port || compare(a.protocol ?? '', b.protocol ?? '')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
