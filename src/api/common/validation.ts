/** Checks that several kinds share, on top of the machinery's value checks. */
import { parseIp } from '../../lib/ip.ts'
import type { FieldError, Path } from '../machinery/field.ts'
import { invalid, required } from '../machinery/field.ts'
import {
  isDNS1123Label,
  isDNS1123Subdomain,
  isQualifiedName,
  isValidLabelValue,
  isValidPortName,
  isValidPortNum,
  regexMessage,
} from '../machinery/validate.ts'
import { isCidr, isIp } from './addresses.ts'

export const maxInt32 = 2147483647
export const immutableMessage = 'field is immutable'
export const negativeMessage = 'must be greater than or equal to 0'

/** One error per message of a value check. */
export function check(path: Path, value: unknown, messages: readonly string[]): FieldError[] {
  return messages.map((message) => invalid(path, value, message))
}

export const checkLabel = (path: Path, value: string): FieldError[] => check(path, value, isDNS1123Label(value))

export const checkSubdomain = (path: Path, value: string): FieldError[] => check(path, value, isDNS1123Subdomain(value))

export const checkQualifiedName = (path: Path, value: string): FieldError[] =>
  check(path, value, isQualifiedName(value))

/** A value that is a segment of a request's path. */
export function isPathSegment(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  return ['/', '%'].filter((sign) => value.includes(sign)).map((sign) => `may not contain '${sign}'`)
}

/** Keys and values of a label map. */
export function checkLabels(path: Path, labels: Readonly<Record<string, string>> | undefined): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...check(path, key, isQualifiedName(key)),
    ...check(path, value, isValidLabelValue(value)),
  ])
}

export function checkNonNegative(path: Path, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(path, value, negativeMessage)] : []
}

/** A port number, or the name of a container's port. */
export function checkPortNumberOrName(path: Path, port: number | string | undefined): FieldError[] {
  if (typeof port === 'string') return check(path, port, isValidPortName(port))
  return check(path, port ?? 0, isValidPortNum(port ?? 0))
}

export function checkPortNumber(path: Path, port: number | undefined): FieldError[] {
  return check(path, port ?? 0, isValidPortNum(port ?? 0))
}

export const checkIp = (path: Path, address: string): FieldError[] => check(path, address, isIp(address))

export const checkCidr = (path: Path, cidr: string): FieldError[] => check(path, cidr, isCidr(cidr))

/** Addresses that cannot be an endpoint or an external address of a Service. */
export function checkNonSpecialIp(path: Path, address: string): FieldError[] {
  const ip = parseIp(address)
  if (!ip) return [invalid(path, address, 'must be a valid IP address')]
  const why = ip.family === 4 ? special4(Number(ip.value)) : special6(ip.value)
  return why ? [invalid(path, address, why === unspecified ? `${unspecified} (${address})` : why)] : []
}

const unspecified = 'may not be unspecified'
const loopback = 'may not be in the loopback range (127.0.0.0/8, ::1/128)'
const linkLocal = 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'
const linkLocalMulticast = 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'

function special4(value: number): string | undefined {
  if (value === 0) return unspecified
  if (value >>> 24 === 127) return loopback
  if (value >>> 16 === 0xa9fe) return linkLocal
  return value >>> 8 === 0xe00000 ? linkLocalMulticast : undefined
}

function special6(value: bigint): string | undefined {
  if (value === 0n) return unspecified
  if (value === 1n) return loopback
  if (value >> 118n === 0x3fan) return linkLocal
  return ((value >> 112n) & 0xff0fn) === 0xff02n ? linkLocalMulticast : undefined
}

const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const httpPathPattern = new RegExp(`^${httpPath}$`)

/** A path under a domain that says whose it is: `acme.io/foo`. */
export function checkDomainPrefixedPath(path: Path, value: string): FieldError[] {
  if (!value) return [required(path)]
  const slash = value.indexOf('/')
  const host = value.slice(0, Math.max(slash, 0))
  const rest = value.slice(slash + 1)
  if (slash < 0 || !host || !rest) {
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  }
  const errors = checkSubdomain(path, host)
  return httpPathPattern.test(rest) ? errors : [...errors, invalid(path, rest, regexMessage('Invalid path', httpPath))]
}

/** A relative path that does not climb out. */
export function checkDescendingPath(target: string, path: Path): FieldError[] {
  if (target.startsWith('/')) return [invalid(path, target, 'must be a relative path')]
  return target.split('/').includes('..') ? [invalid(path, target, "must not contain '..'")] : []
}
