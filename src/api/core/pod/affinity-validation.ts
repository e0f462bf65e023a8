/** Checks of node and pod affinity. */

import { validateLabelSelector } from '../../common/selector-validation.ts'
import { check, checkQualifiedName } from '../../common/validation.ts'
import type { Affinity, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { forbidden, invalid, required } from '../../machinery/field.ts'
import { isDNS1123Subdomain, isValidLabelValue } from '../../machinery/validate.ts'

export function validateAffinity(affinity: Affinity | undefined, path: Path): FieldError[] {
  if (!affinity) return []
  const errors: FieldError[] = []
  const node = affinity.nodeAffinity
  const nodePath = path.child('nodeAffinity')
  const hard = node?.requiredDuringSchedulingIgnoredDuringExecution
  if (hard) {
    const at = nodePath.child('requiredDuringSchedulingIgnoredDuringExecution', 'nodeSelectorTerms')
    if (hard.nodeSelectorTerms.length === 0) errors.push(required(at, 'must have at least one node selector term'))
    hard.nodeSelectorTerms.forEach((term, i) => errors.push(...validateNodeSelectorTerm(term, at.index(i))))
  }
  node?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
    const at = nodePath.child('preferredDuringSchedulingIgnoredDuringExecution').index(i)
    errors.push(...checkWeight(at, term.weight), ...validateNodeSelectorTerm(term.preference, at.child('preference')))
  })
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const pods = affinity[name]
    pods?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      const at = path.child(name, 'requiredDuringSchedulingIgnoredDuringExecution').index(i)
      errors.push(...validatePodTerm(term, at))
    })
    pods?.preferredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      const at = path.child(name, 'preferredDuringSchedulingIgnoredDuringExecution').index(i)
      errors.push(
        ...checkWeight(at, term.weight),
        ...validatePodTerm(term.podAffinityTerm, at.child('podAffinityTerm')),
      )
    })
  }
  return errors
}

function checkWeight(path: Path, weight: number): FieldError[] {
  return weight > 0 && weight <= 100 ? [] : [invalid(path.child('weight'), weight, 'must be in the range 1-100')]
}

export function validateNodeSelectorTerm(term: NodeSelectorTerm, path: Path): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((one, i) =>
      validateExpression(one, path.child('matchExpressions').index(i)),
    ),
    ...(term.matchFields ?? []).flatMap((one, i) => validateField(one, path.child('matchFields').index(i))),
  ]
}

function validateExpression({ key, operator, values = [] }: NodeSelectorRequirement, path: Path): FieldError[] {
  const errors: FieldError[] = []
  const at = path.child('values')
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
    if (values.length > 0) errors.push(forbidden(at, why))
  } else if (operator === 'Gt' || operator === 'Lt') {
    const why = "must be specified single value when `operator` is 'Lt' or 'Gt'"
    if (values.length !== 1) errors.push(required(at, why))
  } else errors.push(invalid(path.child('operator'), operator, 'not a valid selector operator'))
  errors.push(...checkQualifiedName(path.child('key'), key))
  values.forEach((value, i) => errors.push(...check(at.index(i), value, isValidLabelValue(value))))
  return errors
}

function validateField({ key, operator, values = [] }: NodeSelectorRequirement, path: Path): FieldError[] {
  const errors: FieldError[] = []
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(invalid(path.child('operator'), operator, 'not a valid selector operator'))
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
    errors.push(required(path.child('values'), why))
  }
  if (key !== 'metadata.name') errors.push(invalid(path.child('key'), key, 'not a valid field selector key'))
  else {
    values.forEach((value, i) => {
      errors.push(...check(path.child('values').index(i), value, isDNS1123Subdomain(value)))
    })
  }
  return errors
}

function validatePodTerm(term: PodAffinityTerm, path: Path): FieldError[] {
  return [
    ...validateLabelSelector(term.labelSelector, path.child('labelSelector')),
    ...validateLabelSelector(term.namespaceSelector, path.child('namespaceSelector')),
    ...(term.topologyKey
      ? checkQualifiedName(path.child('topologyKey'), term.topologyKey)
      : [required(path.child('topologyKey'), 'can not be empty')]),
  ]
}
