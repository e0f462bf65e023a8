/** Checks of the status of what keeps a number of pods: ReplicaSets and ReplicationControllers. */
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path } from '../machinery/field.ts'
import { checkNonNegative } from './validation.ts'

const counts = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const

export function validateReplicaStatus(
  status: Partial<Record<(typeof counts)[number], number>> | undefined,
): FieldError[] {
  const path = Path.of('status')
  const errors = counts.flatMap((name) => checkNonNegative(path.child(name), status?.[name]))
  const total = status?.replicas ?? 0
  for (const name of counts.slice(1)) {
    const count = status?.[name] ?? 0
    if (count > total) errors.push(invalid(path.child(name), count, 'cannot be greater than status.replicas'))
  }
  const available = status?.availableReplicas ?? 0
  if (available > (status?.readyReplicas ?? 0)) {
    errors.push(invalid(path.child('availableReplicas'), available, 'cannot be greater than readyReplicas'))
  }
  return errors
}
