/** Checks of a LimitRange: its numbers must leave room between them. */
import { check } from '../../common/validation.ts'
import type { LimitRange, LimitRangeItem } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { duplicate, forbidden, invalid, Path, required } from '../../machinery/field.ts'
import { compareQuantities, parseQuantity } from '../../machinery/quantity.ts'
import { isQualifiedName } from '../../machinery/validate.ts'

const types = ['Container', 'Pod', 'PersistentVolumeClaim']
const containerResources = ['cpu', 'memory', 'ephemeral-storage']
const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const

export function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const seen = new Set<string>()
  return (spec?.limits ?? []).flatMap((item, i) => {
    const at = Path.of('spec', 'limits').index(i)
    const errors = validateType(item.type, at.child('type'))
    if (seen.has(item.type)) errors.push(duplicate(at.child('type'), item.type))
    seen.add(item.type)
    return [...errors, ...validateItem(item, at)]
  })
}

function validateType(type: string, at: Path): FieldError[] {
  const errors = check(at, type, isQualifiedName(type))
  if (errors.length > 0 || type.includes('/') || types.includes(type)) return errors
  return [invalid(at, type, 'must be a standard limit type or fully qualified')]
}

function validateItem(item: LimitRangeItem, at: Path): FieldError[] {
  const errors: FieldError[] = []
  if (item.type === 'Pod') {
    for (const list of ['default', 'defaultRequest'] as const) {
      if (Object.keys(item[list] ?? {}).length > 0) {
        errors.push(forbidden(at.child(list), "may not be specified when `type` is 'Pod'"))
      }
    }
  }
  if (item.type === 'PersistentVolumeClaim' && !item.min?.['storage'] && !item.max?.['storage']) {
    const why = 'either minimum or maximum storage value is required, but neither was provided'
    errors.push(required(at.child('limits'), why))
  }
  const names = new Set(lists.flatMap((list) => Object.keys(item[list] ?? {})))
  for (const list of lists) {
    for (const name of Object.keys(item[list] ?? {}))
      errors.push(...validateName(item.type, name, at.child(list).key(name)))
  }
  return [...errors, ...[...names].flatMap((name) => validateOrder(item, name, at))]
}

function validateName(type: string, name: string, at: Path): FieldError[] {
  const errors = check(at, name, isQualifiedName(name))
  if (errors.length > 0 || name.includes('/') || type === 'PersistentVolumeClaim') return errors
  if (containerResources.includes(name) || name.startsWith('hugepages-')) return errors
  return [
    invalid(at, name, 'must be a standard resource type or fully qualified'),
    ...(type === 'Container' || type === 'Pod'
      ? [invalid(at, name, 'must be a standard resource for containers')]
      : []),
  ]
}

/** One amount must not be above another, in upstream's order and words. */
const order = [
  ['min', 'max', 'min value', 'max value'],
  ['defaultRequest', 'max', 'default request value', 'max value'],
  ['defaultRequest', 'default', 'default request value', 'default limit value'],
  ['default', 'max', 'default value', 'max value'],
] as const

const reverse = [
  ['defaultRequest', 'min', 'default request value', 'min value'],
  ['default', 'min', 'default value', 'min value'],
] as const

function validateOrder(item: LimitRangeItem, name: string, at: Path): FieldError[] {
  const errors: FieldError[] = []
  for (const [low, high, lowWords, highWords] of order) {
    const [a, b] = [item[low]?.[name], item[high]?.[name]]
    if (a !== undefined && b !== undefined && compareQuantities(a, b) > 0) {
      errors.push(invalid(at.child(low).key(name), a, `${lowWords} ${a} is greater than ${highWords} ${b}`))
    }
  }
  for (const [high, low, highWords, lowWords] of reverse) {
    const [a, b] = [item[high]?.[name], item[low]?.[name]]
    if (a !== undefined && b !== undefined && compareQuantities(a, b) < 0) {
      errors.push(invalid(at.child(high).key(name), a, `${highWords} ${a} is less than ${lowWords} ${b}`))
    }
  }
  return [...errors, ...validateRatio(item, name, at.child('maxLimitRequestRatio').key(name))]
}

function validateRatio({ maxLimitRequestRatio, min, max }: LimitRangeItem, name: string, at: Path): FieldError[] {
  const ratio = maxLimitRequestRatio?.[name]
  if (ratio === undefined) return []
  if (compareQuantities(ratio, '1') < 0) return [invalid(at, ratio, `ratio ${ratio} is less than 1`)]
  const [low, high] = [min?.[name], max?.[name]]
  if (low === undefined || high === undefined || compareQuantities(low, '0') === 0) return []
  const possible = Number(parseQuantity(high).nano) / Number(parseQuantity(low).nano)
  if (Number(parseQuantity(ratio).nano) / 1e9 <= possible) return []
  return [invalid(at, ratio, `ratio ${ratio} is greater than max/min = ${possible.toFixed(6)}`)]
}
