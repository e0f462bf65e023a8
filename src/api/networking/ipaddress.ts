/** IPAddress: an address that something holds. Its name is the address, so that no two can hold the same one. */
import { parseIp } from '../../lib/ip.ts'
import { nameColumn } from '../common/columns.ts'
import { sameValue } from '../common/strategy.ts'
import { check, checkSubdomain, immutableMessage } from '../common/validation.ts'
import type { IPAddress, ParentReference } from '../generated/networking.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path, required } from '../machinery/field.ts'
import type { KubeObject } from '../machinery/object.ts'
import { declareResource } from '../resource.ts'
import { isCanonicalIp, isPathSegment } from './validation.ts'

const ipFamilyLabel = 'ipaddress.kubernetes.io/ip-family'
export const managedByLabel = 'ipaddress.kubernetes.io/managed-by'
/** Who makes the addresses of Services. */
export const serviceIpAllocator = 'ipallocator.k8s.io'

/** The address of a Service; `address` is canonical. */
export function serviceIPAddress(address: string, { metadata }: KubeObject): IPAddress {
  const labels = ipAddressLabels(address)
  const parentRef = { group: '', resource: 'services', namespace: metadata.namespace ?? '', name: metadata.name }
  return { metadata: { name: address, labels }, spec: { parentRef } }
}

/** Labels of every address that the allocator made. */
export function ipAddressLabels(address: string): Record<string, string> {
  const family = parseIp(address)?.family === 6 ? 'IPv6' : 'IPv4'
  return { [ipFamilyLabel]: family, [managedByLabel]: serviceIpAllocator }
}

/** `NAMESPACE/NAME` of the Service that holds the address; undefined when something else does. */
export function serviceOf({ spec }: IPAddress): string | undefined {
  const { group, resource, namespace, name } = spec.parentRef
  return !group && resource === 'services' ? `${namespace ?? ''}/${name}` : undefined
}

const path = Path.of('spec', 'parentRef')

function validate({ spec }: IPAddress): FieldError[] {
  // Clients may leave it out, whatever the type says.
  const parent: ParentReference | undefined = spec?.parentRef
  if (!parent) return [required(path)]
  const { group, resource, name, namespace } = parent
  const segment = (field: string, value: string) => check(path.child(field), value, isPathSegment(value))
  return [
    ...(group ? checkSubdomain(path.child('group'), group) : []),
    ...(resource ? segment('resource', resource) : [required(path.child('resource'))]),
    ...(name ? segment('name', name) : [required(path.child('name'))]),
    ...(namespace ? segment('namespace', namespace) : []),
  ]
}

function validateUpdate(next: IPAddress, old: IPAddress): FieldError[] {
  const parent: ParentReference | undefined = next.spec?.parentRef
  if (sameValue(withoutEmpty(parent), withoutEmpty(old.spec.parentRef))) return []
  return [invalid(path, parent && internalForm(parent), immutableMessage)]
}

function withoutEmpty(parent: ParentReference | undefined) {
  return parent && { ...parent, group: parent.group || undefined, namespace: parent.namespace || undefined }
}

/** As upstream's internal type is written in messages. */
function internalForm({ group = '', resource, namespace = '', name }: ParentReference) {
  return { Group: group, Resource: resource, Namespace: namespace, Name: name }
}

function parentText({ spec }: IPAddress): string {
  const { group, resource, namespace, name } = spec.parentRef
  const kind = (group ? `${resource}.${group}` : resource).toLowerCase()
  return [kind, namespace, name].filter(Boolean).join('/')
}

export const ipAddressDefinition = declareResource<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  namespaced: false,
  shortNames: ['ip'],
  validateName: isCanonicalIp,
  validate,
  validateUpdate,
  allowUnconditionalUpdate: true,
  selectableFields: {},
  columns: [nameColumn, { name: 'ParentRef', type: 'string', cell: parentText }],
})
