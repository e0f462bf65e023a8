/** Canonical spellings, as fields ask for them that are newer than the strict ones (KEP-4858). No message: valid. */
import { canonical, formatCidr, parseCidr } from '../../lib/ip.ts'
import { isCidr, isIp } from '../common/addresses.ts'

export { isPathSegment } from '../common/validation.ts'

export function isCanonicalIp(value: string): string[] {
  const messages = isIp(value)
  return messages.length > 0 ? messages : isCanonical(value, canonical(value))
}

export function isCanonicalCidr(value: string): string[] {
  const messages = isCidr(value)
  const cidr = parseCidr(value)
  return messages.length > 0 || !cidr ? messages : isCanonical(value, formatCidr(cidr))
}

function isCanonical(value: string, form: string | undefined): string[] {
  return value === form ? [] : [`must be in canonical form (${JSON.stringify(form)})`]
}
