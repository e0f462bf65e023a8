/** Checks of a Deployment. */
import { checkAtMostAll, checkIntOrPercent, isZero } from '../../common/int-or-percent.ts'
import { checkNonNegative } from '../../common/validation.ts'
import type { Deployment, DeploymentSpec, DeploymentStatus, DeploymentStrategy } from '../../generated/apps.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { forbidden, invalid, notSupported, Path, required } from '../../machinery/field.ts'
import { validateSelectorUpdate, validateTemplated } from '../template.ts'

const path = Path.of('spec')
const strategies = ['Recreate', 'RollingUpdate']
const noSpec = {} as DeploymentSpec

export function validateDeployment(deployment: Deployment): FieldError[] {
  const spec = deployment.spec ?? noSpec
  const errors = [
    ...checkNonNegative(path.child('replicas'), spec.replicas),
    ...validateTemplated(spec, 'deployment'),
    ...validateStrategy(spec.strategy ?? {}, path.child('strategy')),
    ...checkNonNegative(path.child('minReadySeconds'), spec.minReadySeconds),
    ...checkNonNegative(path.child('revisionHistoryLimit'), spec.revisionHistoryLimit),
  ]
  const deadline = spec.progressDeadlineSeconds
  if (deadline === undefined) return errors
  const at = path.child('progressDeadlineSeconds')
  errors.push(...checkNonNegative(at, deadline))
  if (deadline <= (spec.minReadySeconds ?? 0))
    errors.push(invalid(at, deadline, 'must be greater than minReadySeconds'))
  return errors
}

function validateStrategy(strategy: DeploymentStrategy, at: Path): FieldError[] {
  const { type, rollingUpdate } = strategy
  if (type === 'Recreate') {
    const why = "may not be specified when strategy `type` is 'Recreate'"
    return rollingUpdate ? [forbidden(at.child('rollingUpdate'), why)] : []
  }
  if (type !== 'RollingUpdate') return [notSupported(at.child('type'), type ?? '', strategies)]
  const here = at.child('rollingUpdate')
  if (!rollingUpdate) return [required(here, 'this should be defaulted and never be nil')]
  const { maxUnavailable, maxSurge } = rollingUpdate
  const errors = [
    ...checkIntOrPercent(here.child('maxUnavailable'), maxUnavailable),
    ...checkIntOrPercent(here.child('maxSurge'), maxSurge),
  ]
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(invalid(here.child('maxUnavailable'), maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'))
  }
  return [...errors, ...checkAtMostAll(here.child('maxUnavailable'), maxUnavailable)]
}

export function validateDeploymentUpdate(next: Deployment, old: Deployment): FieldError[] {
  const errors = validateDeployment(next)
  return [...errors, ...validateSelectorUpdate(next.spec ?? noSpec, old.spec ?? noSpec)]
}

const counts = ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas'] as const

export function validateDeploymentStatusUpdate(next: Deployment): FieldError[] {
  const at = Path.of('status')
  const status: DeploymentStatus = next.status ?? {}
  const errors = counts.flatMap((name) => checkNonNegative(at.child(name), status[name]))
  const total = status.replicas ?? 0
  for (const name of ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const count = status[name] ?? 0
    if (count > total) errors.push(invalid(at.child(name), count, 'cannot be greater than status.replicas'))
  }
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0)) {
    errors.push(
      invalid(at.child('availableReplicas'), status.availableReplicas, 'cannot be greater than readyReplicas'),
    )
  }
  return errors
}
