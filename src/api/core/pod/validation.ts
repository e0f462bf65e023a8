/** Checks of a pod when it is created, and of what may change afterwards. */

import { sameValue } from '../../common/strategy.ts'
import { checkNonNegative, maxInt32 } from '../../common/validation.ts'
import type { Container, Pod, PodSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, invalid, Path, required } from '../../machinery/field.ts'
import { inclusiveRange } from '../../machinery/validate.ts'
import { validateEphemeralNames } from './claim-validation.ts'
import { describeDifference } from './difference.ts'
import { mayRunAgain } from './restart-validation.ts'
import { validatePodSpec } from './spec-validation.ts'
import { onlyAdds } from './tolerations-validation.ts'

const path = Path.of('spec')
const noContainers: PodSpec = { containers: [] }

export function validatePod(pod: Pod): FieldError[] {
  const spec = pod.spec ?? noContainers
  const errors = [...validatePodSpec(spec, path, 'pod'), ...validateEphemeralNames(pod)]
  if (spec.ephemeralContainers?.length)
    errors.push(forbidden(path.child('ephemeralContainers'), 'cannot be set on create'))
  if (spec.nodeName && spec.schedulingGates?.length) {
    errors.push(forbidden(path.child('nodeName'), 'cannot be set until all schedulingGates have been cleared'))
  }
  const grace = path.child('terminationGracePeriodSeconds')
  return [...errors, ...checkNonNegative(grace, spec.terminationGracePeriodSeconds)]
}

/** The fields of a pod's spec that may change, as upstream lists them. */
const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

export function validatePodUpdate(next: Pod, old: Pod): FieldError[] {
  const after = next.spec ?? noContainers
  const before = old.spec ?? noContainers
  if (sameValue(after, before)) return []
  const errors = validatePodSpec(after, path, 'pod')
  for (const field of ['containers', 'initContainers'] as const) {
    if ((after[field]?.length ?? 0) !== (before[field]?.length ?? 0)) {
      return [...errors, forbidden(path.child(field), 'pod updates may not add or remove containers')]
    }
    after[field]?.forEach(({ image }, i) => {
      if (!image) errors.push(required(path.child(field).index(i).child('image')))
    })
  }
  errors.push(...validateDeadline(after.activeDeadlineSeconds, before.activeDeadlineSeconds))
  errors.push(...validateOnlyAdds(after, before))
  const munged = withUpdatableFieldsOf(after, before)
  if (!sameValue(munged, before)) {
    const difference = describeDifference(before, munged)
    errors.push(forbidden(path, `pod updates may not change fields other than ${updatable}\n${difference}`))
  }
  return errors
}

/** From nothing to a value, or from a value to a smaller one. */
function validateDeadline(after: number | undefined, before: number | undefined): FieldError[] {
  const at = path.child('activeDeadlineSeconds')
  if (after === undefined) {
    if (before === undefined) return []
    return [invalid(at, undefined, 'must not update from a positive integer to nil value')]
  }
  if (after < 0 || after > maxInt32) return [invalid(at, after, inclusiveRange(0, maxInt32))]
  return before !== undefined && before < after
    ? [invalid(at, after, 'must be less than or equal to previous value')]
    : []
}

function validateOnlyAdds(after: PodSpec, before: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  if (!onlyAdds(after.tolerations, before.tolerations)) {
    errors.push(
      forbidden(path.child('tolerations'), 'existing toleration can not be modified except its tolerationSeconds'),
    )
  }
  const gates = new Set(before.schedulingGates?.map((gate) => gate.name))
  const added = after.schedulingGates?.filter((gate) => !gates.has(gate.name)).map((gate) => gate.name) ?? []
  if (added.length > 0) {
    const why = 'only deletion is allowed, but found new scheduling gates'
    errors.push(forbidden(path.child('schedulingGates').index(0), `${why} '${added.join(',')}'`))
  }
  return errors
}

/** The new spec as it were if only forbidden fields had changed. */
function withUpdatableFieldsOf(after: PodSpec, before: PodSpec): PodSpec {
  const munged: PodSpec = { ...after }
  munged.containers = withImagesOf(after.containers ?? [], before.containers ?? [])
  if (after.initContainers) munged.initContainers = withImagesOf(after.initContainers, before.initContainers ?? [])
  copyField(munged, before, 'activeDeadlineSeconds')
  copyField(munged, before, 'tolerations')
  copyField(munged, before, 'schedulingGates')
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && after.terminationGracePeriodSeconds === 1) {
    copyField(munged, before, 'terminationGracePeriodSeconds')
  }
  return munged
}

function withImagesOf(containers: readonly Container[], before: readonly Container[]): Container[] {
  return containers.map((container, i) => ({ ...container, image: before[i]?.image ?? '' }))
}

function copyField(to: PodSpec, from: PodSpec, name: keyof PodSpec): void {
  if (from[name] === undefined) delete to[name]
  else Object.assign(to, { [name]: from[name] })
}

export function validatePodStatusUpdate(next: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = []
  const status = Path.of('status')
  if (next.spec?.nodeName !== old.spec?.nodeName) {
    errors.push(forbidden(status.child('nodeName'), 'may not be changed directly'))
  }
  if (old.status?.qosClass && next.status?.qosClass !== old.status.qosClass) {
    errors.push(invalid(status.child('qosClass'), next.status?.qosClass, 'field is immutable'))
  }
  return [...errors, ...validateTransitions(next, old)]
}

/** A container that ended for good does not come back, unless its pod or its own rules say so. */
function validateTransitions(next: Pod, old: Pod): FieldError[] {
  return (old.status?.containerStatuses ?? []).flatMap((before, i) => {
    const terminated = before.state?.terminated
    if (!terminated || (old.spec && mayRunAgain(old.spec, before.name, terminated.exitCode))) return []
    const after = next.status?.containerStatuses?.find((status) => status.name === before.name)
    if (!after || after.state?.terminated) return []
    const at = Path.of('status', 'containerStatuses').index(i).child('state')
    return [forbidden(at, 'may not be transitioned to non-terminated state')]
  })
}
