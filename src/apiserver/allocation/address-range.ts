/** The addresses of one service range, and the order in which free ones are looked for (KEP-3070). Pure. */
import { type Cidr, cidrRange, contains, formatIp, type Ip, parseIp } from '../../lib/ip.ts'

export interface AddressRange {
  readonly family: 'IPv4' | 'IPv6'
  /** First and last address that can be given out, inclusive. */
  readonly first: bigint
  readonly last: bigint
  /** Dynamic allocation prefers addresses from here on; those below are kept for fixed choices. */
  readonly dynamicFirst: bigint
  readonly cidr: Cidr
}

/** Larger IPv6 ranges are cut to this many addresses, as upstream does. */
const addressesMax = 1n << 64n

export function addressRange(cidr: Cidr): AddressRange {
  const { first, last } = cidrRange(cidr)
  const v4 = cidr.ip.family === 4
  const size = min(last.value - first.value + 1n, addressesMax)
  // The network address is no one's; neither is IPv4's broadcast address.
  const firstUsable = first.value + 1n
  const lastUsable = first.value + size - (v4 ? 2n : 1n)
  return {
    family: v4 ? 'IPv4' : 'IPv6',
    cidr,
    first: firstUsable,
    last: lastUsable,
    dynamicFirst: firstUsable + staticBand(size),
  }
}

/** min(max(16, size/16), 256), and nothing where the range is too small to split. */
function staticBand(size: bigint): bigint {
  if (size <= 16n) return 0n
  const share = size / 16n
  return share < 16n ? 16n : min(share, 256n)
}

export function inRange(range: AddressRange, address: string): boolean {
  const ip = parseIp(address)
  return ip !== undefined && contains(range.cidr, ip) && ip.value >= range.first && ip.value <= range.last
}

/**
 * A free address: from a random place upwards through the upper band, around it, and then through the lower band.
 * `random` is a number in [0, 1).
 */
export function pickFree(range: AddressRange, taken: (address: string) => boolean, random: number): string | undefined {
  const { first, last, dynamicFirst } = range
  const start = randomBetween(dynamicFirst, last, random)
  return (
    scan(range, start, last, taken) ??
    scan(range, dynamicFirst, start - 1n, taken) ??
    scan(range, first, dynamicFirst - 1n, taken)
  )
}

function scan(range: AddressRange, from: bigint, to: bigint, taken: (address: string) => boolean): string | undefined {
  const family: Ip['family'] = range.family === 'IPv4' ? 4 : 6
  for (let value = from; value <= to; value++) {
    const address = formatIp({ family, value })
    if (!taken(address)) return address
  }
  return undefined
}

function randomBetween(from: bigint, to: bigint, random: number): bigint {
  if (to <= from) return from
  const scale = 1n << 53n
  return from + ((to - from + 1n) * BigInt(Math.floor(random * Number(scale)))) / scale
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
