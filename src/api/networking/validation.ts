/** Strict spellings of addresses and ranges, as new fields ask for them (KEP-4858). */
import { formatCidr, formatIp, parseCidr, parseIp } from '../../lib/ip.ts'

const leadingZeros = 'must not have leading 0s'
const mapped = 'must not be an IPv4-mapped IPv6 address'
const canonicalForm = (text: string) => `must be in canonical form (${JSON.stringify(text)})`

/** Messages for what is not the canonical spelling of an address. */
export function isCanonicalIp(value: string): string[] {
  const ip = parseIp(withoutLeadingZeros(value))
  if (!ip) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']
  const strict = [...(parseIp(value) ? [] : [leadingZeros]), ...(isMapped(ip.family, ip.value) ? [mapped] : [])]
  if (strict.length > 0) return strict
  return formatIp(ip) === value ? [] : [canonicalForm(formatIp(ip))]
}

/** Messages for what is not the canonical spelling of a block of addresses. */
export function isCanonicalCidr(value: string): string[] {
  const slash = value.lastIndexOf('/')
  const prefix = value.slice(slash + 1)
  const cidr = /^\d+$/.test(prefix)
    ? parseCidr(`${withoutLeadingZeros(value.slice(0, slash))}/${Number(prefix)}`)
    : undefined
  if (!cidr) return ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
  const strict: string[] = []
  if (!parseCidr(value)) strict.push(leadingZeros)
  if (isMapped(cidr.ip.family, cidr.ip.value)) strict.push(mapped)
  const network = formatCidr(cidr)
  if (`${formatIp(cidr.ip)}/${cidr.prefix}` !== network) {
    strict.push('must not have bits set beyond the prefix length')
  }
  if (strict.length > 0) return strict
  return network === value ? [] : [canonicalForm(network)]
}

/** A value that is a segment of a request's path. */
export function isPathSegment(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  return ['/', '%'].filter((sign) => value.includes(sign)).map((sign) => `may not contain '${sign}'`)
}

function isMapped(family: 4 | 6, value: bigint): boolean {
  return family === 6 && value >> 32n === 0xffffn
}

function withoutLeadingZeros(address: string): string {
  return /^\d+(\.\d+){3}$/.test(address) ? address.split('.').map(Number).join('.') : address
}
