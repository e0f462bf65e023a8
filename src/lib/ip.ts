/** IP address and CIDR arithmetic for both families. Pure. */
import { isIPv4, isIPv6 } from 'node:net'

export interface Ip {
  readonly family: 4 | 6
  readonly value: bigint
}

export interface Cidr {
  /** The address as written, host bits included. */
  readonly ip: Ip
  /** Prefix length in bits. */
  readonly prefix: number
}

const bits = { 4: 32, 6: 128 } as const

/** Strict: no leading zeros in IPv4, no zone. IPv4-mapped IPv6 (`::ffff:1.2.3.4`) stays IPv6. */
export function parseIp(text: string): Ip | undefined {
  if (isIPv4(text)) return { family: 4, value: parse4(text) }
  if (!isIPv6(text) || text.includes('%')) return undefined
  return { family: 6, value: parse6(text) }
}

const dot = '.'.charCodeAt(0)
const zero = '0'.charCodeAt(0)

function parse4(text: string): bigint {
  // In doubles, which are many times faster than big integers; 32 bits fit.
  let value = 0
  let octet = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === dot) {
      value = value * 256 + octet
      octet = 0
    } else octet = octet * 10 + code - zero
  }
  return BigInt(value * 256 + octet)
}

function parse6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (dotted?.[1] && dotted[2]) {
    const low = parse4(dotted[2])
    return parse6(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`)
  }
  const [head = '', tail] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}

/** Canonical text (RFC 5952 for IPv6). */
export function formatIp(ip: Ip): string {
  if (ip.family === 4) return format4(Number(ip.value))
  if (ip.value >> 32n === 0xffffn) return `::ffff:${formatIp({ family: 4, value: ip.value & 0xffffffffn })}`
  const groups = Array.from({ length: 8 }, (_, i) => (ip.value >> BigInt(112 - 16 * i)) & 0xffffn)
  const run = longestZeroRun(groups)
  const hex = (part: bigint[]) => part.map((g) => g.toString(16)).join(':')
  if (run.length < 2) return hex(groups)
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`
}

function format4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

function longestZeroRun(groups: readonly bigint[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0n) continue
    if (i - start > best.length) best = { start, length: i - start }
    start = i + 1
  }
  return best
}

export function parseCidr(text: string): Cidr | undefined {
  const match = /^(.+)\/(\d{1,3})$/.exec(text)
  const ip = match?.[1] ? parseIp(match[1]) : undefined
  const prefix = Number(match?.[2])
  if (!ip || !(prefix <= bits[ip.family]) || (match?.[2] ?? '') !== String(prefix)) return undefined
  return { ip, prefix }
}

/** First and last address of the block, inclusive. */
export function cidrRange(cidr: Cidr): { first: Ip; last: Ip } {
  const { family, value } = cidr.ip
  const hostBits = BigInt(bits[family] - cidr.prefix)
  const first = (value >> hostBits) << hostBits
  return { first: { family, value: first }, last: { family, value: first + (1n << hostBits) - 1n } }
}

/** Network address and prefix: `10.96.0.0/12`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidrRange(cidr).first)}/${cidr.prefix}`
}

export function contains(cidr: Cidr, ip: Ip): boolean {
  const { first, last } = cidrRange(cidr)
  return ip.family === first.family && ip.value >= first.value && ip.value <= last.value
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return contains(a, cidrRange(b).first) || contains(b, cidrRange(a).first)
}

/** The canonical spelling of an address, or undefined when it is none. */
export function canonical(text: string): string | undefined {
  // There is one way to write an IPv4 address.
  if (isIPv4(text)) return text
  const ip = parseIp(text)
  return ip && formatIp(ip)
}

/** The address `offset` after the block's first one. */
export function addressAt(cidr: Cidr, offset: number): Ip {
  const { first } = cidrRange(cidr)
  return { family: first.family, value: first.value + BigInt(offset) }
}
