/** What may change of a Job. */
import { sameValue } from '../../common/strategy.ts'
import { immutableMessage } from '../../common/validation.ts'
import type { Job, JobSpec } from '../../generated/batch.v1.ts'
import type { Container, PodSpec, PodTemplateSpec } from '../../generated/v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path } from '../../machinery/field.ts'
import { hasJobCondition } from '../conditions.ts'
import { validateJobSpec } from './validation.ts'

const path = Path.of('spec')
const noSpec = {} as JobSpec
const immutable = [
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const satisfies (keyof JobSpec)[]

export function validateJobUpdate(next: Job, old: Job): FieldError[] {
  const [after, before] = [next.spec ?? noSpec, old.spec ?? noSpec]
  return [
    ...validateJobSpec(after),
    ...validateCompletions(after, before),
    ...unchanged('selector', after, before),
    ...validateTemplateUpdate(next, old),
    ...immutable.flatMap((field) => unchanged(field, after, before)),
  ]
}

function unchanged(field: keyof JobSpec, after: JobSpec, before: JobSpec): FieldError[] {
  if (sameValue(after[field], before[field])) return []
  return [invalid(path.child(field), after[field], immutableMessage)]
}

/** An indexed Job may grow and shrink, all indexes at once (KEP-3715). */
function validateCompletions(after: JobSpec, before: JobSpec): FieldError[] {
  const { completions, parallelism } = after
  if (after.completionMode !== 'Indexed') return unchanged('completions', after, before)
  if (completions === undefined || completions === before.completions || completions === parallelism) return []
  return [invalid(path.child('completions'), completions, 'can only be modified in tandem with spec.parallelism')]
}

function validateTemplateUpdate(next: Job, old: Job): FieldError[] {
  const after = next.spec?.template
  const before = old.spec?.template
  const allowed = isHeld(old) ? withDirectivesOf(before, after) : before
  return sameValue(after, allowed) ? [] : [invalid(path.child('template'), after, immutableMessage)]
}

/**
 * While a Job has no pods, others may decide where they go and what they take (KEP-2926, KEP-5440), also in the update
 * that lets it run.
 */
function isHeld(job: Job): boolean {
  const { startTime, active = 0 } = job.status ?? {}
  const notStarted = startTime === undefined || hasJobCondition(job, 'Suspended')
  return job.spec?.suspend === true && notStarted && active === 0
}

const directives = ['nodeSelector', 'tolerations', 'schedulingGates'] as const satisfies (keyof PodSpec)[]

function withDirectivesOf(
  before: PodTemplateSpec | undefined,
  after: PodTemplateSpec | undefined,
): PodTemplateSpec | undefined {
  if (!before?.spec || !after?.spec) return before
  const spec: PodSpec = { ...before.spec }
  for (const field of directives) {
    if (after.spec[field] === undefined) delete spec[field]
    else Object.assign(spec, { [field]: after.spec[field] })
  }
  const { nodeAffinity: _, ...others } = spec.affinity ?? {}
  const nodeAffinity = after.spec.affinity?.nodeAffinity
  const affinity = { ...others, ...(nodeAffinity && { nodeAffinity }) }
  if (Object.keys(affinity).length > 0 || after.spec.affinity) spec.affinity = affinity
  else delete spec.affinity
  spec.containers = withResourcesOf(before.spec.containers, after.spec.containers) ?? []
  const initContainers = withResourcesOf(before.spec.initContainers, after.spec.initContainers)
  if (initContainers) spec.initContainers = initContainers
  const { labels, annotations } = after.metadata ?? {}
  const metadata = Object.assign({}, before.metadata, { labels, annotations })
  return { ...before, metadata, spec }
}

function withResourcesOf(before: Container[] | undefined, after: Container[] | undefined): Container[] | undefined {
  return before?.map((container) => {
    const { resources: _, ...others } = container
    const resources = after?.find(({ name }) => name === container.name)?.resources
    return { ...others, ...(resources && { resources }) }
  })
}
