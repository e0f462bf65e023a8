/** ServiceCIDR: ranges that Services get their cluster IPs from. */
import { parseCidr } from '../../lib/ip.ts'
import { ageColumn, nameColumn } from '../common/columns.ts'
import { keepSpec, keepStatus } from '../common/strategy.ts'
import { check, immutableMessage } from '../common/validation.ts'
import type { ServiceCIDR } from '../generated/networking.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path, required } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'
import { isCanonicalCidr } from './validation.ts'

/** The one made from the cluster's own settings. */
export const defaultServiceCidr = 'kubernetes'
/** Holds a ServiceCIDR that is being deleted while addresses of it are in use. */
export const serviceCidrFinalizer = 'networking.k8s.io/service-cidr-finalizer'

const path = Path.of('spec', 'cidrs')

export function cidrsOf({ spec }: ServiceCIDR): readonly string[] {
  return spec?.cidrs ?? []
}

/** New addresses may come from it: nobody said otherwise, and nobody is deleting it. */
export function isReadyServiceCidr({ metadata, status }: ServiceCIDR): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return !metadata.deletionTimestamp && (ready === undefined || ready.status === 'True')
}

function validate(serviceCidr: ServiceCIDR): FieldError[] {
  const cidrs = cidrsOf(serviceCidr)
  // The value is rendered as upstream's internal type.
  const value = { CIDRs: cidrs }
  if (cidrs.length === 0) return [required(path, 'at least one CIDR required')]
  if (cidrs.length > 2) return [invalid(path, value, 'may only hold up to 2 values')]
  const families = new Set(cidrs.map((cidr) => parseCidr(cidr)?.ip.family))
  if (cidrs.length === 2 && (families.size < 2 || families.has(undefined))) {
    const why = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
    return [invalid(path, value, why)]
  }
  return cidrs.flatMap((cidr, i) => check(path.index(i), cidr, isCanonicalCidr(cidr)))
}

/** Ranges stay as they are; only a second family may be added to one. */
function validateUpdate(next: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const after = cidrsOf(next)
  const before = cidrsOf(old)
  const changed = (i: number) =>
    before[i] === after[i] ? [] : [invalid(path.index(i), after[i] ?? '', immutableMessage)]
  if (before.length === after.length) return before.flatMap((_, i) => changed(i))
  if (before.length === 1 && after.length === 2) return [...changed(0), ...validate(next)]
  return [invalid(path, after, immutableMessage)]
}

export const serviceCidrDefinition = declareResource<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  prepareForCreate: (serviceCidr) => {
    delete serviceCidr.status
  },
  validate,
  prepareForUpdate: keepStatus,
  validateUpdate,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec },
  columns: [nameColumn, { name: 'CIDRs', type: 'string', cell: (cidr) => cidrsOf(cidr).join(',') }, ageColumn],
})
