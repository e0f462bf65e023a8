/** CronJob: Jobs made at set times. */
import { ageColumn, nameColumn, none, workloadColumns } from '../../common/columns.ts'
import { bumpGeneration, keepSpec, keepStatus, startGeneration } from '../../common/strategy.ts'
import type { CronJob, CronJobSpec, JobSpec } from '../../generated/batch.v1.ts'
import { age } from '../../machinery/time.ts'
import { isDNS1123Label } from '../../machinery/validate.ts'
import { declareResource } from '../../resource.ts'
import { setJobTemplateDefaults } from '../job/defaults.ts'
import { validateCronJob, validateCronJobUpdate } from './validation.ts'

function setDefaults(cronJob: CronJob): void {
  const spec = (cronJob.spec ??= {} as CronJobSpec)
  spec.concurrencyPolicy ||= 'Allow'
  spec.suspend ??= false
  spec.successfulJobsHistoryLimit ??= 3
  spec.failedJobsHistoryLimit ??= 1
  const template = (spec.jobTemplate ??= {})
  template.metadata ??= {} as NonNullable<typeof template.metadata>
  setJobTemplateDefaults((template.spec ??= {} as JobSpec))
}

function warnings({ metadata, spec }: CronJob): string[] {
  const problems = isDNS1123Label(metadata.name)
  const zone = /^(CRON_)?TZ=/.test(spec.schedule ?? '')
  return [
    ...(problems.length > 0
      ? [
          `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
        ]
      : []),
    ...(zone
      ? [
          'CRON_TZ or TZ used in schedule is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
        ]
      : []),
  ]
}

export const cronJobDefinition = declareResource<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  namespaced: true,
  shortNames: ['cj'],
  categories: ['all'],
  setDefaults,
  prepareForCreate: (cronJob) => {
    cronJob.status = {}
    startGeneration(cronJob)
  },
  validate: validateCronJob,
  warningsOnCreate: warnings,
  prepareForUpdate: (next, old) => {
    keepStatus(next, old)
    bumpGeneration(next, old)
  },
  validateUpdate: validateCronJobUpdate,
  warningsOnUpdate: warnings,
  allowUnconditionalUpdate: true,
  status: { prepareForUpdate: keepSpec },
  columns: [
    nameColumn,
    { name: 'Schedule', type: 'string', cell: ({ spec }) => spec.schedule },
    { name: 'Timezone', type: 'string', cell: ({ spec }) => spec.timeZone ?? none },
    { name: 'Suspend', type: 'boolean', cell: ({ spec }) => (spec.suspend ? 'True' : 'False') },
    { name: 'Active', type: 'integer', cell: ({ status }) => status?.active?.length ?? 0 },
    {
      name: 'Last Schedule',
      type: 'string',
      cell: ({ status }, now) => (status?.lastScheduleTime ? age(status.lastScheduleTime, now) : none),
    },
    ageColumn,
    ...workloadColumns<CronJob>(
      ({ spec }) => spec.jobTemplate.spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec.jobTemplate.spec?.selector,
    ),
  ],
})
