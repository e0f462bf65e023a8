/** Checks of a container's own restart policy and its rules (KEP-5307, KEP-5532). */
import type { Container, ContainerRestartRule, PodSpec } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { notSupported, required, tooMany } from '../../machinery/field.ts'

const policies = ['Always', 'Never', 'OnFailure']
const actions = ['Restart', 'RestartAllContainers']
const operators = ['In', 'NotIn']
const rulesMax = 20
const valuesMax = 255

export function validateRestartPolicy(container: Container, path: Path): FieldError[] {
  const { restartPolicy, restartPolicyRules: rules = [] } = container
  const at = path.child('restartPolicyRules')
  const errors: FieldError[] = []
  if (restartPolicy === undefined && rules.length > 0) {
    errors.push(required(path.child('restartPolicy'), 'must specify restartPolicy when restart rules are used'))
  } else if (restartPolicy !== undefined && !policies.includes(restartPolicy)) {
    errors.push(notSupported(path.child('restartPolicy'), restartPolicy, policies))
  }
  if (rules.length > rulesMax) errors.push(tooMany(at, rules.length, rulesMax))
  return [...errors, ...rules.flatMap((rule, i) => validateRule(rule, at.index(i)))]
}

function validateRule({ action, exitCodes }: ContainerRestartRule, path: Path): FieldError[] {
  const errors = actions.includes(action) ? [] : [notSupported(path.child('action'), action, actions)]
  const at = path.child('exitCodes')
  if (!exitCodes) return [...errors, required(at, 'must be specified')]
  const { operator, values = [] } = exitCodes
  if (!operators.includes(operator)) errors.push(notSupported(at.child('operator'), operator, operators))
  if (values.length > valuesMax) errors.push(tooMany(at.child('values'), values.length, valuesMax))
  return errors
}

/** A container that ended with this code: by a rule, by its own policy, by its pod's, or with all others of its pod. */
export function mayRunAgain(spec: PodSpec, name: string, code: number): boolean {
  const { containers, initContainers = [], restartPolicy } = spec
  const isForAll = ({ action }: ContainerRestartRule) => action === 'RestartAllContainers'
  if ([...initContainers, ...containers].some((container) => container.restartPolicyRules?.some(isForAll))) return true
  const container = containers.find((candidate) => candidate.name === name)
  if (container?.restartPolicyRules?.some((rule) => isForExit(rule, code))) return true
  const policy = container?.restartPolicy ?? restartPolicy
  return policy === 'Always' || (policy === 'OnFailure' && code !== 0)
}

function isForExit({ exitCodes }: ContainerRestartRule, code: number): boolean {
  const isListed = exitCodes?.values?.includes(code) ?? false
  return exitCodes?.operator === 'NotIn' ? !isListed : isListed
}
