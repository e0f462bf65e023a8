/** References to objects of any version. */
import { check } from '../../common/validation.ts'
import type { CrossVersionObjectReference } from '../../generated/autoscaling.v2.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { required } from '../../machinery/field.ts'
import { isPathSegment } from '../../networking/validation.ts'

export function validateReference({ kind, name }: CrossVersionObjectReference, at: Path): FieldError[] {
  const segment = (field: string, value: string) =>
    value ? check(at.child(field), value, isPathSegment(value)) : [required(at.child(field))]
  return [...segment('kind', kind), ...segment('name', name)]
}
