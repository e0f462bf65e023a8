/** Checks of a PersistentVolumeClaim. */
import { validateLabelSelector } from '../../common/selector-validation.ts'
import { sameValue } from '../../common/strategy.ts'
import { checkSubdomain } from '../../common/validation.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, Path, required } from '../../machinery/field.ts'
import { compareQuantities } from '../../machinery/quantity.ts'
import { checkPositiveQuantity, validateAccessModes, validateVolumeMode } from '../access-modes.ts'
import { describeDifference } from '../pod/difference.ts'

const path = Path.of('spec')

export function validateClaim({ spec = {} }: PersistentVolumeClaim): FieldError[] {
  return validateClaimSpec(spec, path)
}

/** Also of a template of claims. */
export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: Path): FieldError[] {
  const { accessModes = [], selector, storageClassName, resources } = spec
  const modes = path.child('accessModes')
  const storage = resources?.requests?.['storage']
  const at = path.child('resources').key('storage')
  return [
    ...(accessModes.length === 0 ? [required(modes, 'at least 1 access mode is required')] : []),
    ...(selector ? validateLabelSelector(selector, path.child('selector')) : []),
    ...validateAccessModes(accessModes, modes),
    ...(storage === undefined ? [required(at)] : checkPositiveQuantity(at, storage)),
    ...(storageClassName ? checkSubdomain(path.child('storageClassName'), storageClassName) : []),
    ...validateVolumeMode(spec.volumeMode, path.child('volumeMode')),
  ]
}

export function validateClaimUpdate(next: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const [after, before] = [next.spec ?? {}, old.spec ?? {}]
  const errors = validateClaim(next)
  const bound = old.status?.phase === 'Bound'
  const allowed = withMutable(before, after, bound)
  if (!sameValue(after, allowed)) {
    const why =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
    errors.push(forbidden(path, `${why}\n${describeDifference(before, after)}`))
  }
  const [wanted = '0', held = '0'] = [after.resources?.requests?.['storage'], old.status?.capacity?.['storage']]
  const shrinks = compareQuantities(wanted, before.resources?.requests?.['storage'] ?? '0') < 0
  if (bound && shrinks && compareQuantities(wanted, held) <= 0) {
    errors.push(forbidden(path.child('resources', 'requests', 'storage'), 'field can not be less than status.capacity'))
  }
  return errors
}

/** The old spec with what may change: a volume and a class once, and the size of a claim that has its volume. */
function withMutable(
  before: PersistentVolumeClaimSpec,
  after: PersistentVolumeClaimSpec,
  bound: boolean,
): PersistentVolumeClaimSpec {
  const { volumeName = before.volumeName, storageClassName = before.storageClassName, resources } = after
  const storage = resources?.requests?.['storage']
  return {
    ...before,
    ...(!before.volumeName && volumeName && { volumeName }),
    ...(before.storageClassName === undefined && storageClassName !== undefined && { storageClassName }),
    ...(bound &&
      storage !== undefined && {
        resources: { ...before.resources, requests: { ...before.resources?.requests, storage } },
      }),
    ...(bound &&
      after.volumeAttributesClassName !== undefined && {
        volumeAttributesClassName: after.volumeAttributesClassName,
      }),
  }
}
