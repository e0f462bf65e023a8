/** What is accepted in a Job but probably not meant. */
import { templateWarnings } from '../../core/pod/template.ts'
import type { Job } from '../../generated/batch.v1.ts'
import { isDNS1123Label } from '../../machinery/validate.ts'

const completionsSoftMax = 100_000
const parallelismSoftMax = 10_000

export function jobWarnings({ metadata, spec }: Job): string[] {
  const problems = isDNS1123Label(metadata.name)
  const warnings: string[] = []
  if (problems.length > 0) {
    warnings.push(
      `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
    )
  }
  const many = (spec?.completions ?? 0) > completionsSoftMax && (spec?.parallelism ?? 0) > parallelismSoftMax
  if (spec?.completionMode === 'Indexed' && many) {
    warnings.push(
      'spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail',
    )
  }
  return [...warnings, ...templateWarnings(spec)]
}
