/** Checks of what decides when a Job has failed or succeeded. */
import { checkNonNegative, checkQualifiedName } from '../../common/validation.ts'
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../../generated/batch.v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import {
  duplicate,
  invalid,
  invalidWithoutValue,
  notSupported,
  required,
  tooLong,
  tooMany,
} from '../../machinery/field.ts'
import { IndexesError, IndexSet } from '../indexes.ts'

const rulesMax = 20
const exitCodesMax = 255
const patternsMax = 20
const indexesBytesMax = 64 * 1024
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const operators = ['In', 'NotIn']
const statuses = ['False', 'True', 'Unknown']

/** Go's `%q` of a list of strings. */
const validValues = (values: readonly string[]) => `valid values: [${values.map((v) => JSON.stringify(v)).join(' ')}]`

export function validatePodFailurePolicy(spec: JobSpec, path: Path): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? []
  const at = path.child('rules')
  return [
    ...(rules.length > rulesMax ? [tooMany(at, rules.length, rulesMax)] : []),
    ...rules.flatMap((rule, i) => validateFailureRule(rule, spec, at.index(i))),
  ]
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, at: Path): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule
  const errors = validateAction(action, spec, at.child('action'))
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, containerNames(spec), at.child('onExitCodes')))
  errors.push(...validatePatterns(onPodConditions, at.child('onPodConditions')))
  if (onExitCodes && onPodConditions.length > 0) {
    errors.push(invalidWithoutValue(at, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  }
  if (!onExitCodes && onPodConditions.length === 0) {
    errors.push(invalidWithoutValue(at, 'specifying one of OnExitCodes and OnPodConditions is required'))
  }
  return errors
}

function containerNames({ template }: JobSpec): readonly string[] {
  const { containers = [], initContainers = [] } = template?.spec ?? {}
  return [...containers, ...initContainers].map(({ name }) => name)
}

function validateAction(action: string, spec: JobSpec, at: Path): FieldError[] {
  if (!action) return [required(at, validValues(actions))]
  if (!actions.includes(action)) return [notSupported(at, action, actions)]
  if (action !== 'FailIndex' || spec.backoffLimitPerIndex !== undefined) return []
  return [invalid(at, action, 'requires the backoffLimitPerIndex to be set')]
}

function validateExitCodes(
  { operator, containerName, values }: PodFailurePolicyOnExitCodesRequirement,
  containers: readonly string[],
  at: Path,
): FieldError[] {
  const errors: FieldError[] = []
  if (!operator) errors.push(required(at.child('operator'), validValues(operators)))
  else if (!operators.includes(operator)) errors.push(notSupported(at.child('operator'), operator, operators))
  if (containerName !== undefined && !containers.includes(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template'
    errors.push(invalid(at.child('containerName'), containerName, why))
  }
  const here = at.child('values')
  if (values.length === 0) errors.push(invalid(here, values, 'at least one value is required'))
  if (values.length > exitCodesMax) errors.push(tooMany(here, values.length, exitCodesMax))
  values.forEach((value, i) => {
    if (operator === 'In' && value === 0) {
      errors.push(invalid(here.index(i), value, 'must not be 0 for the In operator'))
    }
    if (values.indexOf(value) < i) errors.push(duplicate(here.index(i), value))
  })
  if (values.some((value, i) => (values[i - 1] ?? value) > value)) {
    errors.push(invalid(here, values, 'must be ordered'))
  }
  return errors
}

function validatePatterns(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], at: Path): FieldError[] {
  return [
    ...(patterns.length > patternsMax ? [tooMany(at, patterns.length, patternsMax)] : []),
    ...patterns.flatMap(({ type, status = '' }, i) => {
      const errors = checkQualifiedName(at.index(i).child('type'), type)
      const here = at.index(i).child('status')
      if (!status) errors.push(required(here, validValues(statuses)))
      else if (!statuses.includes(status)) errors.push(notSupported(here, status, statuses))
      return errors
    }),
  ]
}

export function validateSuccessPolicy(spec: JobSpec, path: Path): FieldError[] {
  if (spec.completionMode !== 'Indexed') return [invalid(path, spec.successPolicy, 'requires indexed completion mode')]
  const rules = spec.successPolicy?.rules ?? []
  const at = path.child('rules')
  const errors: FieldError[] = []
  if (rules.length === 0) {
    errors.push(required(at, 'at least one rules must be specified when the successPolicy is specified'))
  }
  if (rules.length > rulesMax) errors.push(tooMany(at, rules.length, rulesMax))
  return [...errors, ...rules.flatMap((rule, i) => validateSuccessRule(rule, spec.completions ?? 0, at.index(i)))]
}

function validateSuccessRule(rule: SuccessPolicyRule, completions: number, at: Path): FieldError[] {
  const { succeededCount: count, succeededIndexes: indexes } = rule
  const errors: FieldError[] = []
  if (count === undefined && indexes === undefined) {
    errors.push(required(at, 'at least one of succeededCount or succeededIndexes must be specified'))
  }
  const here = at.child('succeededIndexes')
  if (Buffer.byteLength(indexes ?? '') > indexesBytesMax) errors.push(tooLong(here, indexesBytesMax))
  const parsed = parseOrError(indexes ?? '', completions)
  if (typeof parsed === 'string') errors.push(invalid(here, indexes, `error parsing succeededIndexes: ${parsed}`))
  if (count === undefined) return errors
  const atCount = at.child('succeededCount')
  errors.push(...checkNonNegative(atCount, count))
  const limit = (max: number, what: string) =>
    count > max ? [invalid(atCount, count, `must be less than or equal to ${max} (the number of ${what})`)] : []
  errors.push(...limit(completions, 'specified completions'))
  if (indexes === undefined) return errors
  const size = typeof parsed === 'string' ? 0 : parsed.size
  return [...errors, ...limit(size, 'indexes in the specified succeededIndexes field')]
}

/** The set, or what is wrong with the text. */
export function parseOrError(text: string, completions: number): IndexSet | string {
  try {
    return IndexSet.parse(text, completions)
  } catch (error) {
    if (error instanceof IndexesError) return error.message
    throw error
  }
}
