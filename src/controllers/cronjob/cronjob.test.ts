import { afterEach, describe, expect, test } from 'vitest'
import type { CronJob, CronJobSpec, Job } from '../../api/generated/batch.v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { startTtlAfterFinishedController } from '../ttlafterfinished/index.ts'
import { startCronJobController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

const start = Date.parse('2026-01-01T00:00:00Z')
const minuteMs = 60_000

async function begin(spec: Partial<CronJobSpec> = {}, status?: CronJob['status'], localZone = 'UTC') {
  const clock = new FakeClock(start)
  const api = new FakeApi()
  const template = { spec: { containers: [{ name: 'hello' }] } }
  const cronJob: CronJob = {
    metadata: { name: 'hello', namespace: 'demo' },
    spec: {
      schedule: '*/5 * * * *',
      concurrencyPolicy: 'Allow',
      successfulJobsHistoryLimit: 2,
      failedJobsHistoryLimit: 1,
      jobTemplate: { metadata: { name: '', labels: { app: 'hello' } }, spec: { template } },
      ...spec,
    },
  }
  const created = await api.create(resources.cronJobs, cronJob)
  // The fake's objects were made in 1970: its CronJobs have run before.
  const before = { lastScheduleTime: '2026-01-01T00:00:00Z' }
  await api.updateStatus(resources.cronJobs, { ...created, status: status ?? before })
  harness = startHarness((ctx) => startCronJobController(ctx, localZone), { api, clock })
  const { quiet } = harness
  await quiet()
  const jobs = () => api.all(resources.jobs)
  return {
    api,
    jobs,
    current: () => api.all(resources.cronJobs)[0] as CronJob,
    advance: async (ms: number) => {
      clock.advance(ms)
      await quiet()
    },
    end: async (job: Job | undefined, type: 'Complete' | 'Failed') => {
      if (!job) throw new Error('no such job')
      const time = clock.now().toISOString()
      const conditions = [{ type, status: 'True', lastTransitionTime: time }]
      const completion = type === 'Complete' ? { completionTime: time } : {}
      await api.updateStatus(resources.jobs, { ...job, status: { startTime: time, conditions, ...completion } })
      await quiet()
    },
    events: () => api.all(resources.events).map(({ reason, message }) => `${reason}: ${message}`),
  }
}

test('a Job is made when its time has come', async () => {
  const { advance, jobs, current, events } = await begin({ timeZone: 'America/New_York' })
  await advance(5 * minuteMs)
  expect(jobs()).toEqual([])
  await advance(100)
  const name = `hello-${(start + 5 * minuteMs) / minuteMs}`
  expect(jobs()).toMatchObject([
    {
      metadata: {
        name,
        labels: { app: 'hello' },
        annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2025-12-31T19:05:00-05:00' },
        ownerReferences: [{ kind: 'CronJob', name: 'hello', controller: true }],
      },
    },
  ])
  expect(current().status).toMatchObject({
    active: [{ kind: 'Job', name }],
    lastScheduleTime: '2026-01-01T00:05:00Z',
  })
  expect(events()).toEqual([`SuccessfulCreate: Created job ${name}`])
  await advance(5 * minuteMs)
  expect(jobs()).toHaveLength(2)
})

test('a schedule without a time zone is read on the clock of the machine', async () => {
  const { advance, jobs } = await begin({ schedule: '5 9 * * *' }, undefined, 'Asia/Tokyo')
  await advance(5 * minuteMs + 100)
  expect(jobs()[0]?.metadata.annotations).toEqual({
    'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T09:05:00+09:00',
  })
})

test('ended Jobs leave the list, and the oldest of them go', async () => {
  const { advance, jobs, current, end, events } = await begin()
  for (let i = 0; i < 4; i++) {
    await advance(5 * minuteMs + 100)
    await end(jobs().at(-1), i === 1 ? 'Failed' : 'Complete')
  }
  expect(current().status?.active).toBeUndefined()
  expect(current().status?.lastSuccessfulTime).toBe('2026-01-01T00:20:00.400Z')
  const minute = (n: number) => `hello-${(start + 5 * n * minuteMs) / minuteMs}`
  expect(jobs().map(({ metadata }) => metadata.name)).toEqual([minute(2), minute(3), minute(4)])
  expect(events()).toContain(`SawCompletedJob: Saw completed job: ${minute(2)}, condition: Failed`)
  expect(events()).toContain(`SuccessfulDelete: Deleted job ${minute(1)}`)
})

describe('a Job that still runs at the next time', () => {
  test('has company', async () => {
    const { advance, jobs, current } = await begin()
    await advance(10 * minuteMs + 200)
    await advance(5 * minuteMs)
    expect(jobs().length).toBeGreaterThan(1)
    expect(current().status?.active).toHaveLength(jobs().length)
  })

  test('keeps others away, until it has ended', async () => {
    const { advance, jobs, end, events } = await begin({ concurrencyPolicy: 'Forbid' })
    await advance(5 * minuteMs + 100)
    await advance(5 * minuteMs)
    expect(jobs()).toHaveLength(1)
    expect(events().at(-1)).toMatch(/^JobAlreadyActive: Not starting job because prior execution is running/)
    await end(jobs()[0], 'Complete')
    expect(jobs()).toHaveLength(2)
  })

  test('is replaced', async () => {
    const { advance, jobs, current } = await begin({ concurrencyPolicy: 'Replace' })
    await advance(5 * minuteMs + 100)
    const [first] = jobs()
    await advance(5 * minuteMs)
    expect(jobs()).toHaveLength(1)
    expect(jobs()[0]?.metadata.name).not.toBe(first?.metadata.name)
    expect(current().status?.active).toHaveLength(1)
  })
})

describe('times that were missed', () => {
  const hoursAgo = { lastScheduleTime: '2025-12-31T20:00:00Z' }

  test('are made up for once', async () => {
    const { jobs, current, events } = await begin({}, hoursAgo)
    expect(jobs()).toHaveLength(1)
    expect(current().status?.lastScheduleTime).toBe('2026-01-01T00:00:00Z')
    expect(events()).toHaveLength(1)
  })

  test('in great number are remarked on', async () => {
    const { jobs, events } = await begin({ schedule: '* * * * *' }, hoursAgo)
    expect(jobs()).toHaveLength(1)
    expect(events()[0]).toMatch(/^TooManyMissedTimes: too many missed start times/)
  })

  test('too long ago are let be', async () => {
    const { jobs } = await begin({ schedule: '30 23 * * *', startingDeadlineSeconds: 60 }, hoursAgo)
    expect(jobs()).toEqual([])
  })
})

test('a suspended CronJob makes nothing', async () => {
  const { advance, jobs } = await begin({ suspend: true })
  await advance(20 * minuteMs)
  expect(jobs()).toEqual([])
})

test('an active Job that somebody deleted is missed', async () => {
  const { api, advance, jobs, current, events } = await begin()
  await advance(5 * minuteMs + 100)
  const [job] = jobs()
  await api.delete(resources.jobs, job!.metadata)
  await advance(0)
  expect(current().status?.active).toBeUndefined()
  expect(events().at(-1)).toBe(`MissingJob: Active job went missing: ${job?.metadata.name}`)
})

test('a Job that was made but not written down is taken up, not made again', async () => {
  const { api, advance, jobs, current } = await begin()
  api.refuse = (write) => {
    if (write === 'update cronjobs/status') throw new Error('stopped')
  }
  await advance(5 * minuteMs + 100)
  expect(jobs()).toHaveLength(1)
  api.refuse = () => {}
  await advance(1000)
  expect(jobs()).toHaveLength(1)
  expect(current().status?.active).toHaveLength(1)
})

test('a Job goes a while after its end, when it says so', async () => {
  const clock = new FakeClock(start)
  const api = new FakeApi()
  harness = startHarness(startTtlAfterFinishedController, { api, clock })
  const spec = { ttlSecondsAfterFinished: 30, template: {} }
  const job = await api.create(resources.jobs, { metadata: { name: 'pi', namespace: 'demo' }, spec })
  const conditions = [{ type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }]
  await api.updateStatus(resources.jobs, { ...job, status: { conditions } })
  await harness.quiet()
  clock.advance(29_999)
  await harness.quiet()
  expect(api.all(resources.jobs)[0]?.metadata.deletionTimestamp).toBeUndefined()
  clock.advance(1)
  await harness.quiet()
  expect(api.all(resources.jobs)[0]?.metadata.finalizers).toEqual(['foregroundDeletion'])
})
