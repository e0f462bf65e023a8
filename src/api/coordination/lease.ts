/** Lease: who holds something, and until when. Nodes show by theirs that they are alive. */
import { ageColumn, nameColumn } from '../common/columns.ts'
import { checkNonNegative } from '../common/validation.ts'
import type { Lease } from '../generated/coordination.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path } from '../machinery/field.ts'
import { declareResource } from '../resource.ts'

function validate({ spec }: Lease): FieldError[] {
  const path = Path.of('spec')
  const errors: FieldError[] = []
  const seconds = spec?.leaseDurationSeconds
  if (seconds !== undefined && seconds <= 0) {
    errors.push(invalid(path.child('leaseDurationSeconds'), seconds, 'must be greater than 0'))
  }
  errors.push(...checkNonNegative(path.child('leaseTransitions'), spec?.leaseTransitions))
  if (spec?.preferredHolder && !spec.strategy) {
    errors.push(
      invalid(path.child('preferredHolder'), spec.preferredHolder, 'can only be specified if strategy is defined'),
    )
  }
  return errors
}

export const leaseDefinition = declareResource<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  validate,
  validateUpdate: validate,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  columns: [nameColumn, { name: 'Holder', type: 'string', cell: ({ spec }) => spec?.holderIdentity ?? '' }, ageColumn],
})
