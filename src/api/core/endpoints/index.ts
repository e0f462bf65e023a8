/** Endpoints: the old list of addresses behind a Service. EndpointSlices have taken its place. */
import {
  check,
  checkIp,
  checkLabel,
  checkNonSpecialIp,
  checkPortNumber,
  checkQualifiedName,
} from '../../common/validation.ts'
import { warnOfIp } from '../../common/warnings.ts'
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { Path, required } from '../../machinery/field.ts'
import { isDNS1123Subdomain } from '../../machinery/validate.ts'
import { declareResource } from '../../resource.ts'
import { validateProtocol } from '../service/validation.ts'
import { endpointsColumns } from './columns.ts'
import { repackSubsets } from './repack.ts'

function setDefaults(endpoints: Endpoints): void {
  for (const subset of endpoints.subsets ?? []) {
    for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  }
}

function validate(endpoints: Endpoints): FieldError[] {
  return (endpoints.subsets ?? []).flatMap((subset, i) => validateSubset(subset, Path.of('subsets').index(i)))
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, path: Path) {
  const errors: FieldError[] = []
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'))
  }
  addresses.forEach((address, i) => errors.push(...validateAddress(address, path.child('addresses').index(i))))
  notReadyAddresses.forEach((address, i) => {
    errors.push(...validateAddress(address, path.child('notReadyAddresses').index(i)))
  })
  ports.forEach((port, i) => errors.push(...validatePort(port, ports.length > 1, path.child('ports').index(i))))
  return errors
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, path: Path): FieldError[] {
  const errors = checkIp(path.child('ip'), ip)
  if (hostname) errors.push(...checkLabel(path.child('hostname'), hostname))
  if (nodeName !== undefined) errors.push(...check(path.child('nodeName'), nodeName, isDNS1123Subdomain(nodeName)))
  return [...errors, ...checkNonSpecialIp(path.child('ip'), ip)]
}

function validatePort({ name, port, protocol, appProtocol }: EndpointPort, nameRequired: boolean, path: Path) {
  const errors: FieldError[] = []
  if (name) errors.push(...checkLabel(path.child('name'), name))
  else if (nameRequired) errors.push(required(path.child('name')))
  errors.push(...checkPortNumber(path.child('port'), port), ...validateProtocol(path.child('protocol'), protocol))
  if (appProtocol !== undefined) errors.push(...checkQualifiedName(path.child('appProtocol'), appProtocol))
  return errors
}

/** Not for what the controller writes: it knows how. */
function endpointsWarnings({ metadata, subsets }: Endpoints): string[] {
  if (metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return []
  return (subsets ?? []).flatMap((subset, i) =>
    (['addresses', 'notReadyAddresses'] as const).flatMap((list) =>
      (subset[list] ?? []).flatMap(({ ip }, j) => warnOfIp(`subsets[${i}].${list}[${j}].ip`, ip)),
    ),
  )
}

export const endpointsDefinition = declareResource<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  namespaced: true,
  shortNames: ['ep'],
  deprecationWarning: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  setDefaults,
  validate,
  validateUpdate: validate,
  warningsOnCreate: endpointsWarnings,
  warningsOnUpdate: endpointsWarnings,
  canonicalize: (endpoints) => {
    if (endpoints.subsets) endpoints.subsets = repackSubsets(endpoints.subsets)
  },
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,
  columns: endpointsColumns,
})
