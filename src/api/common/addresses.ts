/** Spellings of addresses and blocks that are refused: those that programs read differently (KEP-4858). No message: valid. */
import { type Cidr, formatCidr, formatIp, type Ip, parseCidr, parseIp } from '../../lib/ip.ts'

/** IPv6 in any spelling; IPv4 without leading zeros, and not dressed up as IPv6. */
export function isIp(value: string): string[] {
  const ip = parseIp(withoutLeadingZeros(value))
  if (!ip) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']
  if (!parseIp(value)) return ['must not have leading 0s']
  return isMapped(ip) ? ['must not be an IPv4-mapped IPv6 address'] : []
}

/** A block named by its first address. */
export function isCidr(value: string): string[] {
  const cidr = readCidr(value)
  if (!cidr) return ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
  if (!parseCidr(value)) return ['must not have leading 0s in IP or prefix length']
  if (isMapped(cidr.ip)) return ['must not have an IPv4-mapped IPv6 address']
  const isNetwork = `${formatIp(cidr.ip)}/${cidr.prefix}` === formatCidr(cidr)
  return isNetwork ? [] : ['must not have bits set beyond the prefix length']
}

function readCidr(value: string): Cidr | undefined {
  const slash = value.lastIndexOf('/')
  const prefix = value.slice(slash + 1)
  if (!/^\d+$/.test(prefix)) return undefined
  return parseCidr(`${withoutLeadingZeros(value.slice(0, slash))}/${Number(prefix)}`)
}

function isMapped({ family, value }: Ip): boolean {
  return family === 6 && value >> 32n === 0xffffn
}

function withoutLeadingZeros(address: string): string {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(address) ? address.split('.').map(Number).join('.') : address
}
