/** Checks of tolerations, and of the taints they answer. */
import { checkQualifiedName } from '../../common/validation.ts'
import type { Taint, Toleration } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { invalid, notSupported, required } from '../../machinery/field.ts'
import { isValidLabelValue } from '../../machinery/validate.ts'

const operators = ['Equal', 'Exists']
const effects = ['NoExecute', 'NoSchedule', 'PreferNoSchedule']

export function validateTolerations(tolerations: readonly Toleration[] | undefined, path: Path): FieldError[] {
  return (tolerations ?? []).flatMap((toleration, i) => validateToleration(toleration, path.index(i)))
}

function validateToleration(toleration: Toleration, path: Path): FieldError[] {
  const { key, operator = '', value = '', effect = '', tolerationSeconds } = toleration
  const errors = key ? checkQualifiedName(path.child('key'), key) : []
  if (!key && operator !== 'Exists') {
    const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
    errors.push(invalid(path.child('operator'), operator, why))
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    const why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
    errors.push(invalid(path.child('effect'), effect, why))
  }
  if (operator === '' || operator === 'Equal') {
    const messages = isValidLabelValue(value)
    if (messages.length > 0) errors.push(invalid(path.child('operator'), value, messages.join(';')))
  } else if (operator === 'Exists') {
    if (value) {
      errors.push(invalid(path.child('operator'), toleration, "value must be empty when `operator` is 'Exists'"))
    }
  } else errors.push(notSupported(path.child('operator'), operator, operators))
  return effect && !effects.includes(effect) ? [...errors, notSupported(path.child('effect'), effect, effects)] : errors
}

export function validateTaints(taints: readonly Taint[] | undefined, path: Path): FieldError[] {
  const seen = new Set<string>()
  return (taints ?? []).flatMap((taint, i) => {
    const at = path.index(i)
    const errors = checkQualifiedName(at.child('key'), taint.key)
    const messages = isValidLabelValue(taint.value ?? '')
    if (messages.length > 0) errors.push(invalid(at.child('value'), taint.value ?? '', messages.join(';')))
    if (!taint.effect) errors.push(required(at.child('effect')))
    else if (!effects.includes(taint.effect)) errors.push(notSupported(at.child('effect'), taint.effect, effects))
    const key = `${taint.effect}/${taint.key}`
    if (seen.has(key)) errors.push(duplicateTaint(at, taint))
    seen.add(key)
    return errors
  })
}

function duplicateTaint(path: Path, taint: Taint): FieldError {
  const why = 'taints must be unique by key and effect pair'
  return {
    type: 'FieldValueDuplicate',
    field: path.toString(),
    message: `Duplicate value: ${JSON.stringify(taint)}: ${why}`,
  }
}

/** A running pod may learn to tolerate more, never less. */
export function onlyAdds(next: readonly Toleration[] = [], old: readonly Toleration[] = []): boolean {
  // How long a toleration lasts may change.
  const text = ({ key = '', operator = '', value = '', effect = '' }: Toleration): string =>
    JSON.stringify([key, operator, value, effect])
  const kept = new Set(next.map(text))
  return old.every((toleration) => kept.has(text(toleration)))
}
