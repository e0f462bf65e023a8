/** Checks of a Job, and of the Jobs a CronJob makes. */
import { validateLabelSelector } from '../../common/selector-validation.ts'
import { checkDomainPrefixedPath, checkNonNegative } from '../../common/validation.ts'
import { validateAnyTemplate } from '../../core/pod/template-validation.ts'
import type { Job, JobSpec, JobTemplateSpec } from '../../generated/batch.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, notSupported, Path, required, tooLong } from '../../machinery/field.ts'
import { isDNS1123Label } from '../../machinery/validate.ts'
import { validatePodFailurePolicy, validateSuccessPolicy } from './policy-validation.ts'
import { matches, validateGeneratedSelector } from './selector.ts'

const path = Path.of('spec')
const noSpec = {} as JobSpec
const indexedMax = 100_000
const highCompletions = 100_000
const highCompletionsMax = 10_000
const managedByBytesMax = 63

export function validateJob(job: Job): FieldError[] {
  const { spec = noSpec, metadata } = job
  const errors = [...validateGeneratedSelector(job), ...validateJobSpec(spec)]
  if (spec.completionMode !== 'Indexed' || !spec.completions) return errors
  const host = `${metadata.name}-${spec.completions - 1}`
  if (isDNS1123Label(host).length === 0) return errors
  const why = `will not able to create pod with invalid DNS label: ${host}`
  return [...errors, invalid(Path.of('metadata', 'name'), metadata.name, why)]
}

export function validateJobSpec(spec: JobSpec): FieldError[] {
  const errors = validateSpec(spec, path)
  const { selector } = spec
  const labels = spec.template?.metadata?.labels ?? {}
  if (!selector) errors.push(required(path.child('selector')))
  else errors.push(...validateLabelSelector(selector, path.child('selector')))
  if (!matches(selector, labels)) {
    const at = path.child('template', 'metadata', 'labels')
    errors.push(invalid(at, labels, '`selector` does not match template `labels`'))
  }
  return errors
}

/** Of a CronJob: the selector is made when the Job is. */
export function validateJobTemplate({ spec = noSpec }: JobTemplateSpec, at: Path): FieldError[] {
  const errors = validateSpec(spec, at.child('spec'))
  if (spec.selector)
    errors.push(invalid(at.child('spec', 'selector'), spec.selector, '`selector` will be auto-generated'))
  if (spec.manualSelector) {
    errors.push(notSupported(at.child('spec', 'manualSelector'), spec.manualSelector, ['nil', 'false']))
  }
  return errors
}

const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const

function validateSpec(spec: JobSpec, at: Path): FieldError[] {
  return [
    ...counts.flatMap((name) => checkNonNegative(at.child(name), spec[name])),
    ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined
      ? [required(at.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified')]
      : []),
    ...validateManagedBy(spec.managedBy, at.child('managedBy')),
    ...validateCompletionMode(spec, at),
    ...(spec.podFailurePolicy ? validatePodFailurePolicy(spec, at.child('podFailurePolicy')) : []),
    ...(spec.successPolicy ? validateSuccessPolicy(spec, at.child('successPolicy')) : []),
    ...validateReplacementPolicy(spec, at.child('podReplacementPolicy')),
    ...validateTemplate(spec, at.child('template')),
  ]
}

function validateManagedBy(managedBy: string | undefined, at: Path): FieldError[] {
  if (managedBy === undefined) return []
  const errors = checkDomainPrefixedPath(at, managedBy)
  return Buffer.byteLength(managedBy) > managedByBytesMax ? [...errors, tooLong(at, managedByBytesMax)] : errors
}

function validateCompletionMode(spec: JobSpec, at: Path): FieldError[] {
  const { completionMode = 'NonIndexed' } = spec
  if (completionMode === 'Indexed') return validateIndexed(spec, at)
  if (completionMode !== 'NonIndexed') {
    return [notSupported(at.child('completionMode'), completionMode, ['NonIndexed', 'Indexed'])]
  }
  return (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).flatMap((name) =>
    spec[name] === undefined ? [] : [invalid(at.child(name), spec[name], 'requires indexed completion mode')],
  )
}

function validateIndexed(spec: JobSpec, at: Path): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes } = spec
  const errors: FieldError[] = []
  const atMost = (name: 'parallelism' | 'maxFailedIndexes', max: number, when = '') => {
    const value = spec[name] ?? 0
    if (value > max) errors.push(invalid(at.child(name), value, `must be less than or equal to ${max}${when}`))
  }
  if (completions === undefined) errors.push(required(at.child('completions'), 'when completion mode is Indexed'))
  if (parallelism > indexedMax) atMost('parallelism', indexedMax, ' when completion mode is Indexed')
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    errors.push(invalid(at.child('maxFailedIndexes'), maxFailedIndexes, 'must be less than or equal to completions'))
  }
  atMost('maxFailedIndexes', indexedMax)
  if ((completions ?? 0) <= highCompletions || spec.backoffLimitPerIndex === undefined) return errors
  if (maxFailedIndexes === undefined) {
    errors.push(
      required(at.child('maxFailedIndexes'), `must be specified when completions is above ${highCompletions}`),
    )
  }
  const when = ` when completions are above ${highCompletions} and used with backoff limit per index`
  atMost('parallelism', highCompletionsMax, when)
  atMost('maxFailedIndexes', highCompletionsMax, when)
  return errors
}

function validateReplacementPolicy(
  { podReplacementPolicy: policy, podFailurePolicy }: JobSpec,
  at: Path,
): FieldError[] {
  const supported = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  return policy === undefined || supported.includes(policy) ? [] : [notSupported(at, policy, supported)]
}

function validateTemplate({ template, podFailurePolicy }: JobSpec, at: Path): FieldError[] {
  const errors = validateAnyTemplate(template ?? {}, at)
  const policy = template?.spec?.restartPolicy ?? ''
  const here = at.child('spec', 'restartPolicy')
  // Always is what a template gets that says nothing.
  if (policy === '' || policy === 'Always') errors.push(required(here, 'valid values: "OnFailure", "Never"'))
  else if (policy !== 'OnFailure' && policy !== 'Never') errors.push(notSupported(here, policy, ['OnFailure', 'Never']))
  else if (podFailurePolicy && policy !== 'Never') {
    errors.push(invalid(here, policy, 'only "Never" is supported when podFailurePolicy is specified'))
  }
  return errors
}
