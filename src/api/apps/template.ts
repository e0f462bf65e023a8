/** What the workloads of this group share: a selector and the template of the pods it selects. */
import { isEmptySelector, validateLabelSelector } from '../common/selector-validation.ts'
import { check, checkLabels, immutableMessage } from '../common/validation.ts'
import { sameValue } from '../common/strategy.ts'
import { setPodSpecDefaults } from '../core/pod/defaults.ts'
import { validatePodSpec } from '../core/pod/spec-validation.ts'
import type { LabelSelector, ObjectMeta } from '../generated/meta.v1.ts'
import type { PodTemplateSpec } from '../generated/v1.ts'
import { forbidden, invalid, notSupported, Path, required } from '../machinery/field.ts'
import type { FieldError } from '../machinery/field.ts'
import { labelSelectorMatcher } from '../machinery/selectors.ts'
import { isQualifiedName } from '../machinery/validate.ts'

const path = Path.of('spec')

/** The part of a workload's spec that all of them have. */
export interface TemplatedSpec {
  selector: LabelSelector
  template?: PodTemplateSpec
  minReadySeconds?: number
}

export function setTemplateDefaults(template: PodTemplateSpec): void {
  template.metadata ??= {} as ObjectMeta
  template.spec ??= { containers: [] }
  setPodSpecDefaults(template.spec)
}

/** Selector and template; `kind` as upstream names the workload in a message. */
export function validateTemplated(spec: TemplatedSpec, kind: string): FieldError[] {
  return [...validateSelector(spec.selector, kind), ...validateTemplate(spec, kind)]
}

function validateSelector(selector: LabelSelector | undefined, kind: string): FieldError[] {
  const at = path.child('selector')
  if (selector === undefined) return [required(at)]
  const errors = validateLabelSelector(selector, at)
  if (isEmptySelector(selector)) errors.push(invalid(at, selector, `empty selector is invalid for ${kind}`))
  return errors
}

function validateTemplate({ selector, template }: TemplatedSpec, kind: string): FieldError[] {
  const at = path.child('template')
  if (!template) return [required(at)]
  const errors: FieldError[] = []
  const labels = template.metadata?.labels
  if (!isEmptySelector(selector) && isUsable(selector) && !labelSelectorMatcher(selector)(labels)) {
    const why = '`selector` does not match template `labels`'
    errors.push(invalid(at.child('metadata', 'labels'), labels ?? {}, why))
  }
  errors.push(...checkLabels(at.child('labels'), labels))
  for (const key of Object.keys(template.metadata?.annotations ?? {})) {
    errors.push(...check(at.child('annotations'), key, isQualifiedName(key.toLowerCase())))
  }
  const pod = template.spec ?? { containers: [] }
  const podPath = at.child('spec')
  errors.push(...validatePodSpec(pod, podPath, 'template'))
  if (pod.ephemeralContainers?.length) {
    errors.push(forbidden(podPath.child('ephemeralContainers'), 'ephemeral containers not allowed in pod template'))
  }
  if (pod.restartPolicy !== 'Always' && ['Never', 'OnFailure'].includes(pod.restartPolicy ?? '')) {
    errors.push(notSupported(podPath.child('restartPolicy'), pod.restartPolicy, ['Always']))
  }
  if (pod.activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${kindInDeadline[kind] ?? kind} is not Supported`
    errors.push(forbidden(podPath.child('activeDeadlineSeconds'), why))
  }
  return errors
}

/** False for a selector that its own checks refuse: it cannot be compared with anything. */
function isUsable(selector: LabelSelector): boolean {
  return validateLabelSelector(selector, path).length === 0
}

const kindInDeadline: Readonly<Record<string, string>> = {
  deployment: 'ReplicaSet',
  daemonset: 'DaemonSet',
}

/** What a workload selects is decided once. */
export function validateSelectorUpdate(next: TemplatedSpec, old: TemplatedSpec): FieldError[] {
  if (sameValue(next.selector, old.selector)) return []
  return [invalid(path.child('selector'), next.selector, immutableMessage)]
}
