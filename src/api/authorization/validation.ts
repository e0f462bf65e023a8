/** Checks of access reviews (upstream's pkg/apis/authorization/validation). */
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SubjectAccessReview,
} from '../generated/authorization.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path } from '../machinery/field.ts'
import type { ObjectMeta } from '../machinery/object.ts'

const spec = Path.of('spec')

export function validateReview(review: SubjectAccessReview): FieldError[] {
  return [...validateSubject(review), ...validateEmptyMeta(review.metadata, 'must be empty')]
}

export function validateSelfReview(review: SelfSubjectAccessReview): FieldError[] {
  return [...validateTarget(review), ...validateEmptyMeta(review.metadata, 'must be empty')]
}

export function validateLocalReview(review: LocalSubjectAccessReview): FieldError[] {
  const { namespace = '', ...metadata } = review.metadata
  const { resourceAttributes, nonResourceAttributes } = review.spec
  const errors = [...validateSubject(review), ...validateEmptyMeta(metadata, 'must be empty except for namespace')]
  if (resourceAttributes && (resourceAttributes.namespace ?? '') !== namespace) {
    const path = Path.of('spec.resourceAttributes.namespace')
    errors.push(invalid(path, resourceAttributes.namespace ?? '', 'must match metadata.namespace'))
  }
  if (nonResourceAttributes) {
    const path = Path.of('spec.nonResourceAttributes')
    errors.push(invalid(path, nonResourceAttributes, 'disallowed on this kind of request'))
  }
  return errors
}

function validateSubject(review: SubjectAccessReview): FieldError[] {
  const { user = '', groups = [] } = review.spec
  const errors = validateTarget(review)
  if (!user && groups.length === 0) {
    errors.push(invalid(spec.child('user'), user, 'at least one of user or group must be specified'))
  }
  return errors
}

function validateTarget({ spec: asked }: Pick<SelfSubjectAccessReview, 'spec'>): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = asked
  if (resourceAttributes && nonResourceAttributes) {
    const why = 'cannot be specified in combination with resourceAttributes'
    return [invalid(spec.child('nonResourceAttributes'), nonResourceAttributes, why)]
  }
  if (resourceAttributes || nonResourceAttributes) return []
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
  return [invalid(spec.child('resourceAttributes'), nonResourceAttributes, why)]
}

function validateEmptyMeta(metadata: ObjectMeta, why: string): FieldError[] {
  const { managedFields: _, name, ...rest } = metadata
  const empty = !name && Object.keys(rest).length === 0
  return empty ? [] : [invalid(Path.of('metadata'), metadata, why)]
}
