/** Checks of an EndpointSlice. */

import { parseIp } from '../../lib/ip.ts'
import {
  check,
  checkLabel,
  checkNonSpecialIp,
  checkPortNumber,
  checkQualifiedName,
  immutableMessage,
} from '../common/validation.ts'
import { validateProtocol } from '../core/service/validation.ts'
import type { Endpoint, EndpointHints, EndpointSlice } from '../generated/discovery.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { duplicate, invalid, notSupported, Path, required, tooMany } from '../machinery/field.ts'
import { isDNS1123Label, isDNS1123Subdomain } from '../machinery/validate.ts'

const addressTypes = ['FQDN', 'IPv4', 'IPv6']
const endpointsMax = 1000
const portsMax = 20000
const addressesMax = 100
const hintsMax = 8

export function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  const errors: FieldError[] = []
  if (!slice.addressType) errors.push(required(Path.of('addressType')))
  else if (!addressTypes.includes(slice.addressType)) {
    errors.push(notSupported(Path.of('addressType'), slice.addressType, addressTypes))
  }
  return [...errors, ...validateEndpoints(slice, Path.of('endpoints')), ...validatePorts(slice, Path.of('ports'))]
}

export function validateEndpointSliceUpdate(next: EndpointSlice, old: EndpointSlice): FieldError[] {
  const errors = validateEndpointSlice(next)
  if (next.addressType !== old.addressType) {
    errors.push(invalid(Path.of('addressType'), next.addressType, immutableMessage))
  }
  return errors
}

function validateEndpoints({ endpoints, addressType }: EndpointSlice, path: Path): FieldError[] {
  const all = endpoints ?? []
  if (all.length > endpointsMax) return [tooMany(path, all.length, endpointsMax)]
  return all.flatMap((endpoint, i) => validateEndpoint(endpoint, addressType, path.index(i)))
}

function validateEndpoint(endpoint: Endpoint, addressType: string, path: Path): FieldError[] {
  const { addresses, nodeName, hostname, hints } = endpoint
  const at = path.child('addresses')
  const errors: FieldError[] = []
  if (addresses.length === 0) errors.push(required(at, 'must contain at least 1 address'))
  else if (addresses.length > addressesMax) errors.push(tooMany(at, addresses.length, addressesMax))
  addresses.forEach((address, i) => errors.push(...checkAddress(at.index(i), address, addressType)))
  if (nodeName !== undefined) errors.push(...check(path.child('nodeName'), nodeName, isDNS1123Subdomain(nodeName)))
  if (hostname !== undefined) errors.push(...check(path.child('hostname'), hostname, isDNS1123Label(hostname)))
  return hints ? [...errors, ...validateHints(hints, path.child('hints'))] : errors
}

function checkAddress(path: Path, address: string, addressType: string): FieldError[] {
  if (addressType === 'FQDN') {
    const name = address.replace(/\.$/, '')
    const errors = check(path, address, isDNS1123Subdomain(name))
    if (errors.length === 0 && !name.includes('.')) {
      errors.push(invalid(path, address, 'should be a domain with at least two segments separated by dots'))
    }
    return errors
  }
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return []
  const family = parseIp(address)?.family
  if (family === (addressType === 'IPv4' ? 4 : 6)) return checkNonSpecialIp(path, address)
  return [invalid(path, address, `must be a valid ${addressType} address`)]
}

function validateHints({ forZones = [], forNodes = [] }: EndpointHints, path: Path): FieldError[] {
  const zones = validateHintNames(forZones, path.child('forZones'))
  return [...zones, ...validateHintNames(forNodes, path.child('forNodes'))]
}

function validateHintNames(names: readonly { name: string }[], path: Path): FieldError[] {
  if (names.length > hintsMax) return [tooMany(path, names.length, hintsMax)]
  const seen = new Set<string>()
  return names.flatMap(({ name }, i) => {
    const at = path.index(i).child('name')
    if (seen.has(name)) return [duplicate(at, name)]
    seen.add(name)
    return check(at, name, isDNS1123Subdomain(name))
  })
}

function validatePorts(slice: EndpointSlice, path: Path): FieldError[] {
  const ports = slice.ports ?? []
  if (ports.length > portsMax) return [tooMany(path, ports.length, portsMax)]
  const seen = new Set<string>()
  return ports.flatMap(({ name = '', port, protocol, appProtocol }, i) => {
    const at = path.index(i)
    const errors = name ? checkLabel(at.child('name'), name) : []
    if (seen.has(name)) errors.push(duplicate(at.child('name'), name))
    seen.add(name)
    errors.push(...validateProtocol(at.child('protocol'), protocol))
    if (port !== undefined) errors.push(...checkPortNumber(at.child('port'), port))
    if (appProtocol !== undefined) errors.push(...checkQualifiedName(at.child('appProtocol'), appProtocol))
    return errors
  })
}
