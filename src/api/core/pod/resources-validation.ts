/** Checks of resource requests and limits. */
import { check } from '../../common/validation.ts'
import type { ResourceRequirements } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { invalid, required } from '../../machinery/field.ts'
import { compareQuantities, quantityMilliValue } from '../../machinery/quantity.ts'
import { isQualifiedName } from '../../machinery/validate.ts'

const standard = ['cpu', 'memory', 'ephemeral-storage']

const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

/** Kubernetes' own resources, which a node may promise more of than it has; not so hugepages and extended ones. */
function isOvercommitAllowed(name: string): boolean {
  const native = !name.includes('/') || name.includes('kubernetes.io/')
  return native && !isHugePages(name)
}

export function validateResources(resources: ResourceRequirements | undefined, path: Path): FieldError[] {
  const { limits = {}, requests = {} } = resources ?? {}
  const errors = Object.entries(limits).flatMap(([name, quantity]) =>
    validateAmount(name, quantity, path.child('limits').key(name)),
  )
  for (const [name, quantity] of Object.entries(requests)) {
    errors.push(...validateAmount(name, quantity, path.child('requests').key(name)))
    errors.push(...validateRequest(name, quantity, limits[name], path))
  }
  return errors
}

function validateRequest(name: string, quantity: string, limit: string | undefined, path: Path): FieldError[] {
  if (limit === undefined) {
    const why = 'Limit must be set for non overcommitable resources'
    return isOvercommitAllowed(name) ? [] : [required(path.child('limits'), why)]
  }
  const order = compareQuantities(quantity, limit)
  const at = path.child('requests')
  if (order !== 0 && !isOvercommitAllowed(name)) {
    return [invalid(at, quantity, `must be equal to ${name} limit of ${limit}`)]
  }
  return order > 0 ? [invalid(at, quantity, `must be less than or equal to ${name} limit of ${limit}`)] : []
}

function validateAmount(name: string, quantity: string, path: Path): FieldError[] {
  return [...validateName(name, path), ...checkQuantity(name, quantity, path)]
}

function validateName(name: string, path: Path): FieldError[] {
  const messages = isQualifiedName(name)
  if (messages.length > 0) return check(path, name, messages)
  if (name.includes('/') || standard.includes(name) || isHugePages(name)) return []
  return [
    invalid(path, name, 'must be a standard resource type or fully qualified'),
    invalid(path, name, 'must be a standard resource for containers'),
  ]
}

/** Not negative; and whole for resources that come in pieces. */
export function checkQuantity(name: string, quantity: string, path: Path): FieldError[] {
  const errors: FieldError[] = []
  if (compareQuantities(quantity, '0') < 0) errors.push(invalid(path, quantity, 'must be greater than or equal to 0'))
  const countable = name === 'pods' || (name.includes('/') && !name.includes('kubernetes.io/'))
  if (countable && quantityMilliValue(quantity) % 1000 !== 0) errors.push(invalid(path, quantity, 'must be an integer'))
  return errors
}
