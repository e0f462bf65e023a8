/** Checks of a pod template, alike for every workload that makes pods from one. */
import { check, checkLabels } from '../../common/validation.ts'
import type { PodTemplateSpec } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { forbidden, notSupported } from '../../machinery/field.ts'
import { isQualifiedName } from '../../machinery/validate.ts'
import { validatePodSpec } from './spec-validation.ts'

/** As upstream's messages name it: Deployments make their pods through ReplicaSets. */
export type TemplateOwner = 'ReplicaSet' | 'DaemonSet' | 'StatefulSet' | 'ReplicationController'

/** Of pods that always run. Whether the owner's selector matches the template is for the owner to check. */
export function validatePodTemplate(template: PodTemplateSpec, at: Path, owner: TemplateOwner): FieldError[] {
  const errors = validateAnyTemplate(template, at)
  const pod = template.spec
  const podPath = at.child('spec')
  if (['Never', 'OnFailure'].includes(pod?.restartPolicy ?? '')) {
    errors.push(notSupported(podPath.child('restartPolicy'), pod?.restartPolicy, ['Always']))
  }
  if (pod?.activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${owner} is not Supported`
    errors.push(forbidden(podPath.child('activeDeadlineSeconds'), why))
  }
  return errors
}

/** Of pods that run or end, as the owner has it. */
export function validateAnyTemplate(template: PodTemplateSpec, at: Path): FieldError[] {
  const errors: FieldError[] = [...checkLabels(at.child('labels'), template.metadata?.labels)]
  for (const key of Object.keys(template.metadata?.annotations ?? {})) {
    errors.push(...check(at.child('annotations'), key, isQualifiedName(key.toLowerCase())))
  }
  const pod = template.spec ?? { containers: [] }
  const podPath = at.child('spec')
  errors.push(...validatePodSpec(pod, podPath, 'template'))
  if (pod.ephemeralContainers?.length) {
    errors.push(forbidden(podPath.child('ephemeralContainers'), 'ephemeral containers not allowed in pod template'))
  }
  return errors
}
