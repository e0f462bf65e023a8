/** Checks of label selectors. */
import type { LabelSelector } from '../generated/meta.v1.ts'
import type { FieldError, Path } from '../machinery/field.ts'
import { forbidden, invalid, required } from '../machinery/field.ts'
import { isValidLabelValue } from '../machinery/validate.ts'
import { check, checkLabels, checkQualifiedName } from './validation.ts'

export function validateLabelSelector(selector: LabelSelector | undefined, path: Path): FieldError[] {
  return [
    ...checkLabels(path.child('matchLabels'), selector?.matchLabels),
    ...(selector?.matchExpressions ?? []).flatMap(({ key, operator, values = [] }, i) => {
      const at = path.child('matchExpressions').index(i)
      const errors: FieldError[] = []
      if (operator === 'In' || operator === 'NotIn') {
        const why = "must be specified when `operator` is 'In' or 'NotIn'"
        if (values.length === 0) errors.push(required(at.child('values'), why))
      } else if (operator === 'Exists' || operator === 'DoesNotExist') {
        const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        if (values.length > 0) errors.push(forbidden(at.child('values'), why))
      } else errors.push(invalid(at.child('operator'), operator, 'not a valid selector operator'))
      errors.push(...checkQualifiedName(at.child('key'), key))
      values.forEach((value, j) => {
        errors.push(...check(at.child('values').index(j), value, isValidLabelValue(value)))
      })
      return errors
    }),
  ]
}
