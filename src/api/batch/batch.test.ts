import { describe, expect, test } from 'vitest'
import { create, definitionOf, row, update } from '../common/testing.ts'
import type { CronJob, CronJobSpec, Job, JobSpec, JobStatus } from '../generated/batch.v1.ts'
import { IndexSet } from './indexes.ts'

const now = new Date('2026-11-21T00:05:05Z')
const metadata = { name: 'pi', namespace: 'demo', uid: 'u1', creationTimestamp: '2026-11-21T00:00:00Z' }
const container = { name: 'pi', image: 'perl:5' }
const template = { spec: { restartPolicy: 'Never', containers: [container] } }
const job = (spec: Partial<JobSpec> = {}): Job => ({ metadata, spec: { template, ...spec } })
const labels = {
  'batch.kubernetes.io/job-name': 'pi',
  'job-name': 'pi',
  'batch.kubernetes.io/controller-uid': 'u1',
  'controller-uid': 'u1',
}

describe('Job', () => {
  test('gets Kubernetes’ defaults, and a selector of its own', () => {
    const { object, errors } = create('Job', job())
    expect(errors).toEqual([])
    expect(object.metadata).toMatchObject({ generation: 1, labels })
    expect(object.status).toEqual({})
    expect(object.spec).toMatchObject({
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      completions: 1,
      manualSelector: false,
      parallelism: 1,
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } },
      suspend: false,
      template: { metadata: { labels } },
    })
  })

  test('a work queue has no number of completions; limits per index replace the common one', () => {
    expect(create('Job', job({ parallelism: 3 })).object.spec?.completions).toBeUndefined()
    const indexed = job({ completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 1 })
    expect(create('Job', indexed).object.spec).toMatchObject({ parallelism: 1, backoffLimit: 2147483647 })
    const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }]
    expect(create('Job', job({ podFailurePolicy: { rules } })).object.spec).toMatchObject({
      podReplacementPolicy: 'Failed',
      podFailurePolicy: { rules: [{ onPodConditions: [{ status: 'True' }] }] },
    })
  })

  test('labels of the template become the Job’s', () => {
    const own = { metadata: { name: '', labels: { app: 'pi' } }, spec: template.spec }
    expect(create('Job', job({ template: own })).object.metadata.labels).toEqual({ ...labels, app: 'pi' })
    const labelled = { metadata: { ...metadata, labels: { tier: 'x' } }, spec: { template: own } }
    expect(create('Job', labelled).object.metadata.labels).toEqual({ tier: 'x' })
  })

  const rule = { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }
  const policy = (change: object) => ({ podFailurePolicy: { rules: [{ ...rule, ...change }] } })
  const at = 'spec.podFailurePolicy.rules[0]'
  const indexed = { completionMode: 'Indexed', completions: 3 }
  test.each<[string, Partial<JobSpec>, string[]]>([
    [
      'negative numbers',
      { parallelism: -1 },
      ['spec.parallelism: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'pods that always restart',
      { template: { spec: { containers: [container] } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      'an unknown mode',
      { completionMode: 'Random' },
      ['spec.completionMode: Unsupported value: "Random": supported values: "Indexed", "NonIndexed"'],
    ],
    [
      'indexes without an end',
      { completionMode: 'Indexed', parallelism: 1 },
      ['spec.completions: Required value: when completion mode is Indexed'],
    ],
    [
      'limits of indexes it has not',
      { backoffLimitPerIndex: 1 },
      ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    ],
    [
      'more failed indexes than there are',
      { ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 4 },
      ['spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions'],
    ],
    [
      'too many pods at once',
      { ...indexed, parallelism: 100_001 },
      ['spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed'],
    ],
    [
      'a manager without a domain',
      { managedBy: 'me' },
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      'a policy for pods that restart',
      { ...policy({}), template: { spec: { ...template.spec, restartPolicy: 'OnFailure' } } },
      [
        'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
      ],
    ],
    [
      'a rule about nothing',
      policy({ onExitCodes: undefined }),
      [`${at}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`],
    ],
    [
      'a rule without action',
      policy({ action: '' }),
      [`${at}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`],
    ],
    [
      'success as failure',
      policy({ onExitCodes: { operator: 'In', values: [3, 0, 3], containerName: 'other' } }),
      [
        `${at}.onExitCodes.containerName: Invalid value: "other": must be one of the container or initContainer names in the pod template`,
        `${at}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator`,
        `${at}.onExitCodes.values[2]: Duplicate value: 3`,
        `${at}.onExitCodes.values: Invalid value: [3,0,3]: must be ordered`,
      ],
    ],
    [
      'replacing pods too early',
      { ...policy({}), podReplacementPolicy: 'TerminatingOrFailed' },
      ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
    ],
    [
      'indexes out of order',
      { ...indexed, successPolicy: { rules: [{ succeededIndexes: '2,0' }] } },
      [
        'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "2,0": error parsing succeededIndexes: non-increasing order, previous: 2, current: 0',
      ],
    ],
    [
      'more successes than indexes',
      { ...indexed, successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 3 }] } },
      [
        'spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
      ],
    ],
    [
      'a selector that somebody made up',
      { selector: { matchLabels: { app: 'x' } } },
      [
        'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u1","app":"x"}}: `selector` not auto-generated',
        `spec.template.metadata.labels: Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``,
      ],
    ],
  ])('is refused for %s', (_name, spec, expected) => expect(create('Job', job(spec)).errors).toEqual(expected))

  describe('an update', () => {
    const old = create('Job', job({ completions: 3, suspend: true })).object
    const errors = (spec: Partial<JobSpec>, from = old) =>
      update(from, { ...from, spec: { template, ...from.spec, ...spec } }, { kind: 'Job' }).errors

    test('may change how many pods run, and not what they do', () => {
      expect(errors({ parallelism: 5, suspend: false, backoffLimit: 1 })).toEqual([])
      expect(errors({ completions: 4 })).toEqual(['spec.completions: Invalid value: 4: field is immutable'])
      expect(errors({ completionMode: 'Indexed' })).toContain(
        'spec.completionMode: Invalid value: "Indexed": field is immutable',
      )
      const other = structuredClone(old.spec?.template) ?? {}
      Object.assign(other.spec?.containers[0] ?? {}, { image: 'perl:6' })
      expect(errors({ template: other })[0]).toMatch(/^spec.template: Invalid value: .*: field is immutable$/)
    })

    test('of a suspended Job may say where its pods go', () => {
      const other = structuredClone(old.spec?.template) ?? {}
      Object.assign(other.spec ?? {}, { nodeSelector: { zone: 'a' }, tolerations: [{ operator: 'Exists' }] })
      expect(errors({ template: other })).toEqual([])
      // As those do that queue Jobs: say where, and let it run.
      expect(errors({ template: other, suspend: false })).toEqual([])
      const running = update(old, { ...old, spec: { template, ...old.spec, suspend: false } }, { kind: 'Job' }).object
      expect(errors({ template: other, suspend: true }, running)[0]).toMatch(/field is immutable$/)
    })

    test('of a suspended Job may say what its containers take', () => {
      const other = structuredClone(old.spec?.template) ?? {}
      Object.assign(other.spec?.containers[0] ?? {}, { resources: { requests: { cpu: '2' } } })
      expect(errors({ template: other })).toEqual([])
      const started = { ...old, status: { startTime: '2026-11-21T00:00:00Z' } }
      expect(errors({ template: other }, started)[0]).toMatch(/field is immutable$/)
      const suspended = { conditions: [{ type: 'Suspended', status: 'True' }] }
      expect(errors({ template: other }, { ...old, status: { ...started.status, ...suspended } })).toEqual([])
      expect(errors({ template: other }, { ...old, status: { active: 1, ...suspended } })[0]).toMatch(
        /field is immutable$/,
      )
    })

    test('of an indexed Job changes its size and parallelism together', () => {
      const elastic = create('Job', job({ ...indexed, parallelism: 3 })).object
      expect(errors({ completions: 5, parallelism: 5 }, elastic)).toEqual([])
      expect(errors({ completions: 5 }, elastic)).toEqual([
        'spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism',
      ])
    })

    const startTime = '2026-11-21T00:00:00Z'
    const condition = (type: string) => ({ type, status: 'True' })
    test.each<[string, JobStatus, string[]]>([
      [
        'more ready than active pods',
        { active: 1, ready: 2 },
        ['status.ready: Invalid value: 2: cannot set more ready pods than active'],
      ],
      [
        'an end without success',
        { startTime, completionTime: startTime },
        [
          `status.completionTime: Invalid value: "${startTime}": cannot set completionTime when there is no Complete=True condition`,
        ],
      ],
      [
        'a failure out of nowhere',
        { startTime, conditions: [condition('Failed')] },
        ['status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition'],
      ],
      [
        'an end with pods',
        { startTime, active: 1, conditions: [condition('FailureTarget'), condition('Failed')] },
        ['status.active: Invalid value: 1: active>0 is invalid for finished job'],
      ],
      [
        'indexes of a Job without',
        { completedIndexes: '0' },
        [
          'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
        ],
      ],
      [
        'pods counted twice',
        { uncountedTerminatedPods: { succeeded: ['a'], failed: ['a', ''] } },
        [
          'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
          'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty',
        ],
      ],
    ])('of the status is refused for %s', (_name, status, expected) => {
      expect(update(old, { ...old, status }, { kind: 'Job', subresource: 'status' }).errors).toEqual(expected)
    })

    test('does not undo what is final', () => {
      const done = { ...old, status: { startTime, failed: 2, conditions: [condition('FailureTarget')] } }
      const next = { ...old, status: { startTime, failed: 1 } }
      expect(update(done, next, { kind: 'Job', subresource: 'status' }).errors).toEqual([
        'status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition',
        'status.failed: Invalid value: 1: cannot decrease the failed counter',
      ])
    })
  })

  test('kubectl get jobs -o wide', () => {
    const { object } = create('Job', job({ completions: 3 }))
    object.status = { startTime: '2026-11-21T00:04:00Z', succeeded: 1 }
    expect(Object.values(row('Job', object, now))).toEqual([
      'pi',
      'Running',
      '1/3',
      '65s',
      '5m5s',
      'pi',
      'perl:5',
      'batch.kubernetes.io/controller-uid=u1',
    ])
    object.status = {
      ...object.status,
      completionTime: '2026-11-21T00:04:09Z',
      conditions: [{ type: 'Complete', status: 'True' }],
    }
    expect(row('Job', object, now)).toMatchObject({ Status: 'Complete', Duration: '9s' })
    const queue = create('Job', job({ parallelism: 2 })).object
    expect(row('Job', queue, now)).toMatchObject({ Completions: '0/1 of 2', Duration: '' })
    expect(definitionOf('Job').selectableFields?.['status.successful']?.(object)).toBe('1')
  })
})

describe('CronJob', () => {
  const cronJob = (spec: Partial<CronJobSpec> = {}, name = 'hello'): CronJob => ({
    metadata: { ...metadata, name },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template } }, ...spec },
  })

  test('gets Kubernetes’ defaults', () => {
    const { object, errors } = create('CronJob', cronJob())
    expect(errors).toEqual([])
    expect(object.spec).toMatchObject({
      concurrencyPolicy: 'Allow',
      failedJobsHistoryLimit: 1,
      successfulJobsHistoryLimit: 3,
      suspend: false,
      jobTemplate: { spec: { template: { spec: { terminationGracePeriodSeconds: 30 } } } },
    })
    expect(object.spec.jobTemplate.spec?.completions).toBeUndefined()
  })

  test.each<[string, Partial<CronJobSpec>, string[]]>([
    ['no schedule', { schedule: '' }, ['spec.schedule: Required value']],
    [
      'a bad schedule',
      { schedule: 'daily' },
      ['spec.schedule: Invalid value: "daily": expected exactly 5 fields, found 1: [daily]'],
    ],
    [
      'a zone in the schedule',
      { schedule: 'TZ=UTC 0 0 * * *' },
      [
        'spec.schedule: Invalid value: "TZ=UTC 0 0 * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    ],
    [
      'an unknown zone',
      { timeZone: 'Mars/Base' },
      ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
    ],
    ['an empty zone', { timeZone: '' }, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    [
      'the zone of here',
      { timeZone: 'Local' },
      [
        'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ],
    ],
    [
      'an unknown policy',
      { concurrencyPolicy: 'Maybe' },
      ['spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"'],
    ],
    [
      'a negative history',
      { failedJobsHistoryLimit: -1 },
      ['spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0'],
    ],
    [
      'a selector in the template',
      { jobTemplate: { spec: { template, selector: {} } } },
      ['spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated'],
    ],
  ])('is refused for %s', (_name, spec, expected) => expect(create('CronJob', cronJob(spec)).errors).toEqual(expected))

  test('has a name that leaves room for the time', () => {
    const name = 'a'.repeat(53)
    expect(create('CronJob', cronJob({}, name)).errors).toEqual([
      `metadata.name: Invalid value: "${name}": must be no more than 52 characters`,
    ])
  })

  test('kubectl get cronjobs', () => {
    const { object } = create('CronJob', cronJob({ timeZone: 'Etc/UTC' }))
    expect(Object.values(row('CronJob', object, now)).slice(0, 7)).toEqual([
      'hello',
      '* * * * *',
      'Etc/UTC',
      'False',
      0,
      '<none>',
      '5m5s',
    ])
  })
})

describe('index sets', () => {
  test('are written as short as upstream does', () => {
    expect(String(IndexSet.of([7, 1, 3, 4, 5, 0]))).toBe('0,1,3-5,7')
    expect(String(IndexSet.of([1, 2]).with([4]))).toBe('1,2,4')
    expect(String(IndexSet.read('0-9', 3))).toBe('0-2')
    expect([...IndexSet.parse('1,3-5', 6)]).toEqual([1, 3, 4, 5])
  })

  test('of billions cost nothing', () => {
    const all = IndexSet.parse('0-2000000000', 2147483647)
    expect([all.size, all.has(5), all.has(2000000001)]).toEqual([2000000001, true, false])
  })

  test.each([
    ['a', 'cannot convert string to integer for index: "a"'],
    [
      '1-2-3',
      'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\'',
    ],
    ['9', 'too large index: "9"'],
    ['3-1', 'non-increasing order, previous: 3, current: 1'],
    ['1-3,3', 'non-increasing order, previous: 3, current: 3'],
  ])('%j is none', (text, message) => expect(() => IndexSet.parse(text, 5)).toThrow(message))
})
