/** What the workloads of this group share: a selector and the template of the pods it selects. */
import { isEmptySelector, validateLabelSelector } from '../common/selector-validation.ts'
import { sameValue } from '../common/strategy.ts'
import { check, checkLabels, immutableMessage } from '../common/validation.ts'
import { setPodSpecDefaults } from '../core/pod/defaults.ts'
import { validatePodSpec } from '../core/pod/spec-validation.ts'
import { podSpecWarnings } from '../core/pod/warnings.ts'
import type { LabelSelector, ObjectMeta } from '../generated/meta.v1.ts'
import type { PodTemplateSpec } from '../generated/v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { forbidden, invalid, notSupported, Path, required } from '../machinery/field.ts'
import { labelSelectorMatcher } from '../machinery/selectors.ts'
import { isQualifiedName } from '../machinery/validate.ts'

const path = Path.of('spec')

/** The part of a workload's spec that all of them have. */
export interface TemplatedSpec {
  selector?: LabelSelector
  template?: PodTemplateSpec
  minReadySeconds?: number
}

export function setTemplateDefaults(spec: TemplatedSpec): void {
  const template: PodTemplateSpec = (spec.template ??= {})
  template.metadata ??= {} as ObjectMeta
  template.spec ??= { containers: [] }
  setPodSpecDefaults(template.spec)
}

/** As upstream's messages name a workload; they call a ReplicaSet a deployment, too. */
export type WorkloadName = 'deployment' | 'daemonset'

export function validateTemplated(spec: TemplatedSpec, kind: WorkloadName): FieldError[] {
  return [...validateSelector(spec.selector, kind), ...validateTemplate(spec, kind)]
}

function validateSelector(selector: LabelSelector | undefined, kind: WorkloadName): FieldError[] {
  const at = path.child('selector')
  // A DaemonSet without one is only told that it does not match its template.
  if (selector === undefined) return kind === 'daemonset' ? [] : [required(at)]
  const errors = validateLabelSelector(selector, at)
  if (isEmptySelector(selector)) errors.push(invalid(at, selector, `empty selector is invalid for ${kind}`))
  return errors
}

/** An absent selector matches no template, an empty one all of them, and an invalid one cannot be compared. */
function matchesTemplate(selector: LabelSelector | undefined, labels: Record<string, string> | undefined): boolean {
  if (selector === undefined) return false
  if (isEmptySelector(selector) || validateLabelSelector(selector, path).length > 0) return true
  return labelSelectorMatcher(selector)(labels)
}

function validateTemplate({ selector, template }: TemplatedSpec, kind: WorkloadName): FieldError[] {
  const at = path.child('template')
  if (!template) return [required(at)]
  const errors: FieldError[] = []
  const labels = template.metadata?.labels
  if (!matchesTemplate(selector, labels)) {
    errors.push(invalid(at.child('metadata', 'labels'), labels, '`selector` does not match template `labels`'))
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
    const why = `activeDeadlineSeconds in ${kind === 'daemonset' ? 'DaemonSet' : 'ReplicaSet'} is not Supported`
    errors.push(forbidden(podPath.child('activeDeadlineSeconds'), why))
  }
  return errors
}

/** What a workload selects is decided once. */
export function validateSelectorUpdate(next: TemplatedSpec, old: TemplatedSpec): FieldError[] {
  if (sameValue(next.selector, old.selector)) return []
  return [invalid(path.child('selector'), next.selector, immutableMessage)]
}

export function templateWarnings(spec: TemplatedSpec | undefined): string[] {
  return spec?.template?.spec ? podSpecWarnings(spec.template.spec, 'spec.template.spec') : []
}
