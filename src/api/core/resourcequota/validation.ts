/** Checks of a ResourceQuota. */
import { sameValue } from '../../common/strategy.ts'
import { check, immutableMessage } from '../../common/validation.ts'
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path, required } from '../../machinery/field.ts'
import { compareQuantities, quantityMilliValue } from '../../machinery/quantity.ts'
import { isQualifiedName } from '../../machinery/validate.ts'

const path = Path.of('spec')

/** Resources that come in pieces. */
const counted = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]
const compute = ['cpu', 'memory', 'ephemeral-storage']
const standard = new Set([
  ...counted,
  ...compute,
  'requests.storage',
  ...compute.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
])
const scopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
]
const exclusive = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

export function validateQuota({ spec = {} }: ResourceQuota): FieldError[] {
  return [
    ...validateAmounts(spec.hard ?? {}, path.child('hard')),
    ...validateScopes(spec.scopes ?? [], Object.keys(spec.hard ?? {}), path.child('scopes')),
    ...(spec.scopeSelector?.matchExpressions ?? []).flatMap((one, i) =>
      validateRequirement(one, path.child('scopeSelector', 'matchExpressions').index(i)),
    ),
  ]
}

function validateAmounts(amounts: Readonly<Record<string, string>>, at: Path): FieldError[] {
  return Object.entries(amounts).flatMap(([name, quantity]) => {
    const here = at.key(name)
    const errors = check(here, name, isQualifiedName(name))
    if (!name.includes('/') && !isStandard(name)) {
      errors.push(invalid(here, name, 'must be a standard resource for quota'))
    }
    if (compareQuantities(quantity, '0') < 0) {
      errors.push(invalid(here, quantity, 'must be greater than or equal to 0'))
    }
    const whole = counted.includes(name) || name.startsWith('count/')
    if (whole && quantityMilliValue(quantity) % 1000 !== 0) errors.push(invalid(here, quantity, 'must be an integer'))
    return errors
  })
}

function isStandard(name: string): boolean {
  return standard.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-')
}

function validateScopes(given: readonly string[], names: readonly string[], at: Path): FieldError[] {
  const errors = given.flatMap((scope) => {
    if (!scopes.includes(scope)) return [invalid(at, given, 'unsupported scope')]
    const fits = names.every((name) => isTracked(scope, name))
    return fits ? [] : [invalid(at, given, 'unsupported scope applied to resource')]
  })
  const conflict = exclusive.some((pair) => pair.every((scope) => given.includes(scope)))
  return conflict ? [...errors, invalid(at, given, 'conflicting scopes')] : errors
}

/** Scopes are of pods, and pods without requests can only be counted. */
function isTracked(scope: string, name: string): boolean {
  if (scope === 'BestEffort') return name === 'pods' || name === 'count/pods'
  const ofPods = name === 'pods' || name === 'count/pods' || compute.some((one) => name.endsWith(one))
  return ofPods || !standard.has(name) || scope === 'VolumeAttributesClass'
}

function validateRequirement({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement, at: Path) {
  const errors: FieldError[] = []
  if (!scopes.includes(scopeName)) errors.push(invalid(at.child('scopeName'), scopeName, 'unsupported scope'))
  const ofPriority = scopeName === 'PriorityClass' || scopeName === 'VolumeAttributesClass'
  if (!ofPriority && operator !== 'Exists') {
    const why = `must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity`
    errors.push(invalid(at.child('operator'), operator, why))
  }
  if (operator === 'In' || operator === 'NotIn') {
    const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
    if (values.length === 0) errors.push(required(at.child('values'), why))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
    if (values.length > 0) errors.push(invalid(at.child('values'), values, why))
  } else errors.push(invalid(at.child('operator'), operator, 'not a valid selector operator'))
  return errors
}

export function validateQuotaUpdate(next: ResourceQuota, old: ResourceQuota): FieldError[] {
  const errors = validateQuota(next)
  const sorted = (quota: ResourceQuota) => [...(quota.spec?.scopes ?? [])].sort()
  if (sameValue(sorted(next), sorted(old))) return errors
  return [...errors, invalid(path.child('scopes'), next.spec?.scopes, immutableMessage)]
}

export function validateQuotaStatus({ status = {} }: ResourceQuota): FieldError[] {
  return (['hard', 'used'] as const).flatMap((list) => validateAmounts(status[list] ?? {}, Path.of('status', list)))
}
