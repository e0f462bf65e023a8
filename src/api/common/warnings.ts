/** Warnings that several kinds give (upstream's k8s.io/apimachinery/pkg/util/validation/ip.go). */
import { canonical, formatCidr, parseCidr, parseIp } from '../../lib/ip.ts'

/** Of a valid address that is not written as RFC 5952 has it. */
export function warnOfIp(field: string, address: string): string[] {
  const preferred = canonical(address)
  if (parseIp(address)?.family !== 6 || preferred === address) return []
  return [`${field}: IPv6 address "${address}" should be in RFC 5952 canonical format ("${preferred}")`]
}

/** Of a valid block, in the same way. */
export function warnOfCidr(field: string, block: string): string[] {
  const cidr = parseCidr(block)
  if (cidr?.ip.family !== 6) return []
  const preferred = formatCidr(cidr)
  return preferred === block
    ? []
    : [`${field}: IPv6 CIDR value "${block}" should be in RFC 5952 canonical format ("${preferred}")`]
}
