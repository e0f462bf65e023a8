/** What the workloads of this group share: a selector and the template of the pods it selects. */
import { validateLabelSelector } from '../common/selector-validation.ts'
import { sameValue } from '../common/strategy.ts'
import { immutableMessage } from '../common/validation.ts'
import { validatePodTemplate } from '../core/pod/template-validation.ts'
import type { LabelSelector } from '../generated/meta.v1.ts'
import type { PodTemplateSpec } from '../generated/v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path, required } from '../machinery/field.ts'
import { isEmptySelector, labelSelectorMatcher } from '../machinery/selectors.ts'

const path = Path.of('spec')

/** The part of a workload's spec that all of them have. */
export interface TemplatedSpec {
  selector?: LabelSelector
  template?: PodTemplateSpec
  minReadySeconds?: number
}

/** As upstream's messages name a workload; they call a ReplicaSet a deployment, too. */
export type WorkloadName = 'deployment' | 'daemonset' | 'statefulset'

const owners = { deployment: 'ReplicaSet', daemonset: 'DaemonSet', statefulset: 'StatefulSet' } as const

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
  return [...errors, ...validatePodTemplate(template, at, owners[kind])]
}

/** What a workload selects is decided once. */
export function validateSelectorUpdate(next: TemplatedSpec, old: TemplatedSpec): FieldError[] {
  if (sameValue(next.selector, old.selector)) return []
  return [invalid(path.child('selector'), next.selector, immutableMessage)]
}
