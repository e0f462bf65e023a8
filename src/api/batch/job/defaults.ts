/** Defaults of a Job, and of the Jobs a CronJob makes. */
import { maxInt32 } from '../../common/validation.ts'
import { setTemplateDefaults } from '../../core/pod/template.ts'
import type { Job, JobSpec } from '../../generated/batch.v1.ts'

const backoffLimit = 6

export function setJobDefaults(job: Job): void {
  const spec = (job.spec ??= {} as JobSpec)
  setJobTemplateDefaults(spec)
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  // Where each index has a limit of its own, there is none for all together.
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? backoffLimit : maxInt32
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.manualSelector ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  const labels = spec.template.metadata?.labels
  if (labels && isEmpty(job.metadata.labels)) job.metadata.labels = { ...labels }
}

/** What is defaulted wherever the spec of a Job stands. */
export function setJobTemplateDefaults(spec: JobSpec): void {
  setTemplateDefaults(spec)
  for (const { onPodConditions = [] } of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions) pattern.status ||= 'True'
  }
}

export function isEmpty(labels: Readonly<Record<string, string>> | undefined): boolean {
  return Object.keys(labels ?? {}).length === 0
}
