/** The selector that a Job's pods match and no others do: it names the Job's uid. */
import type { Job } from '../../generated/batch.v1.ts'
import type { FieldError } from '../../machinery/field.ts'
import { invalid, Path, required } from '../../machinery/field.ts'
import { labelSelectorMatcher, SelectorError } from '../../machinery/selectors.ts'
import { isEmpty } from './defaults.ts'

const controllerUidLabel = 'batch.kubernetes.io/controller-uid'
const jobNameLabel = 'batch.kubernetes.io/job-name'

/** Today's labels and those from before labels of Kubernetes had a prefix; both are on every pod. */
function generatedLabels({ metadata }: Job): Record<string, string> {
  const { name, uid = '' } = metadata
  return { [jobNameLabel]: name, 'job-name': name, [controllerUidLabel]: uid, 'controller-uid': uid }
}

/** Nobody but the server writes it, unless `manualSelector` says that the user knows better. */
export function generateSelector(job: Job): void {
  const { spec, metadata } = job
  if (!spec || spec.manualSelector) return
  const template = (spec.template.metadata ??= { name: '' })
  const given = template.labels ?? {}
  const sameLabels = isEmpty(metadata.labels) || JSON.stringify(metadata.labels) === JSON.stringify(given)
  // What the user set is kept, and refused by validation where it contradicts.
  template.labels = { ...generatedLabels(job), ...given }
  // Labels that were taken from the template follow it.
  if (sameLabels) metadata.labels = { ...template.labels }
  spec.selector ??= {}
  spec.selector.matchLabels = { [controllerUidLabel]: metadata.uid ?? '', ...spec.selector.matchLabels }
}

export function validateGeneratedSelector(job: Job): FieldError[] {
  const { spec } = job
  if (!spec?.selector || spec.manualSelector) return []
  const expected = generatedLabels(job)
  const at = Path.of('spec', 'template', 'metadata', 'labels')
  const errors = Object.entries(expected).flatMap(([key, value]) => {
    const labels = spec.template.metadata?.labels ?? {}
    if (labels[key] === undefined) return [required(at.key(key), `must be '${value}'`)]
    return labels[key] === value ? [] : [invalid(at.key(key), labels, `must be '${value}'`)]
  })
  if (matches(spec.selector, expected)) return errors
  return [...errors, invalid(Path.of('spec', 'selector'), spec.selector, '`selector` not auto-generated')]
}

/** A selector that cannot be compared is refused elsewhere. */
export function matches(selector: Parameters<typeof labelSelectorMatcher>[0], labels: Record<string, string>): boolean {
  try {
    return labelSelectorMatcher(selector)(labels)
  } catch (error) {
    if (error instanceof SelectorError) return true
    throw error
  }
}
