/** Checks of a DaemonSet. */
import { checkAtMostAll, checkIntOrPercent, isZero } from '../../common/int-or-percent.ts'
import { checkNonNegative } from '../../common/validation.ts'
import type { DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy } from '../../generated/apps.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { validateSelectorUpdate, validateTemplated } from '../template.ts'

const path = Path.of('spec')
const noSpec = {} as DaemonSetSpec

export function validateDaemonSet(set: DaemonSet): FieldError[] {
  const spec = set.spec ?? noSpec
  return [
    ...validateTemplated(spec, 'daemonset'),
    ...checkNonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
    ...validateUpdateStrategy(spec.updateStrategy ?? {}, path.child('updateStrategy')),
    ...checkNonNegative(path.child('revisionHistoryLimit'), spec.revisionHistoryLimit),
  ]
}

function validateUpdateStrategy({ type, rollingUpdate }: DaemonSetUpdateStrategy, at: Path): FieldError[] {
  if (type === 'OnDelete') return []
  if (type !== 'RollingUpdate') return [notSupported(at.child('type'), type ?? '', ['OnDelete', 'RollingUpdate'])]
  const here = at.child('rollingUpdate')
  if (!rollingUpdate) return [required(here)]
  const { maxUnavailable, maxSurge } = rollingUpdate
  const errors: FieldError[] = []
  for (const [name, value] of [
    ['maxUnavailable', maxUnavailable],
    ['maxSurge', maxSurge],
  ] as const) {
    errors.push(...checkIntOrPercent(here.child(name), value), ...checkAtMostAll(here.child(name), value))
  }
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    errors.push(invalid(here.child('maxSurge'), maxSurge, 'may not be set when maxUnavailable is non-zero'))
  }
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(required(here.child('maxUnavailable'), 'cannot be 0 when maxSurge is 0'))
  }
  return errors
}

export function validateDaemonSetUpdate(next: DaemonSet, old: DaemonSet): FieldError[] {
  return [...validateDaemonSet(next), ...validateSelectorUpdate(next.spec ?? noSpec, old.spec ?? noSpec)]
}

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
] as const

export function validateDaemonSetStatusUpdate({ status }: DaemonSet): FieldError[] {
  return counts.flatMap((name) => checkNonNegative(Path.of('status', name), status?.[name]))
}
