/** Job: pods that run until they have succeeded, as often as asked. */
import { ageColumn, nameColumn, workloadColumns } from '../../common/columns.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import type { Job } from '../../generated/batch.v1.ts'
import { humanDuration } from '../../machinery/time.ts'
import { declareResource } from '../../resource.ts'
import { hasJobCondition } from '../conditions.ts'
import { setJobDefaults } from './defaults.ts'
import { generateSelector } from './selector.ts'
import { validateJobStatusUpdate } from './status-validation.ts'
import { validateJobUpdate } from './update.ts'
import { validateJob } from './validation.ts'
import { jobWarnings } from './warnings.ts'

function statusText(job: Job): string {
  if (hasJobCondition(job, 'Complete')) return 'Complete'
  if (hasJobCondition(job, 'Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp) return 'Terminating'
  if (hasJobCondition(job, 'Suspended')) return 'Suspended'
  if (hasJobCondition(job, 'FailureTarget')) return 'FailureTarget'
  return hasJobCondition(job, 'SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running'
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`
  const parallelism = spec?.parallelism ?? 0
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function durationText({ status }: Job, now: Date): string {
  if (!status?.startTime) return ''
  const end = status.completionTime ? Date.parse(status.completionTime) : now.getTime()
  return humanDuration(end - Date.parse(status.startTime))
}

export const jobDefinition = declareResource<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  namespaced: true,
  categories: ['all'],
  setDefaults: setJobDefaults,
  prepareForCreate: (job) => {
    generateSelector(job)
    job.status = {}
    startGeneration(job)
  },
  validate: validateJob,
  warningsOnCreate: jobWarnings,
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
  },
  validateUpdate: validateJobUpdate,
  warningsOnUpdate: jobWarnings,
  allowUnconditionalUpdate: true,
  // As before there was a garbage collector: clients of batch/v1 expect the pods to stay.
  defaultDeletion: 'Orphan',
  defaultDeletionWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  status: { prepareForUpdate: keepSpec, validateUpdate: validateJobStatusUpdate },
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'Status of the job.', cell: statusText },
    { name: 'Completions', type: 'string', cell: completionsText },
    { name: 'Duration', type: 'string', description: 'Time required to complete the job.', cell: durationText },
    ageColumn,
    ...workloadColumns<Job>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec?.selector,
    ),
  ],
})
