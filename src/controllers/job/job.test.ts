import { afterEach, describe, expect, test } from 'vitest'
import { hasJobCondition } from '../../api/batch/conditions.ts'
import type { Job, JobSpec } from '../../api/generated/batch.v1.ts'
import type { ContainerStatus, Pod, PodStatus } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { startJobController } from './index.ts'
import { completionIndex, isTracked } from './pods.ts'

let harness: Harness
afterEach(() => harness.stop())

const selector = { matchLabels: { job: 'pi' } }
const template = {
  metadata: { name: '', labels: { job: 'pi' } },
  spec: { restartPolicy: 'Never', containers: [{ name: 'pi' }] },
}

/** As the server defaults it. */
function job(spec: Partial<JobSpec> = {}): Job {
  const defaults = { parallelism: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false }
  return { metadata: { name: 'pi', namespace: 'demo' }, spec: { ...defaults, selector, template, ...spec } }
}

async function begin(spec: Partial<JobSpec> = {}) {
  const clock = new FakeClock()
  const api = new FakeApi()
  harness = startHarness(startJobController, { api, clock })
  await api.create(resources.jobs, job(spec))
  const { quiet } = harness
  await quiet()
  const current = () => api.all(resources.jobs)[0] as Job
  const pods = () => api.all(resources.pods)
  const active = () => pods().filter(({ status, metadata }) => !ended(status) && !metadata.deletionTimestamp)
  const settle = async (pod: Pod | undefined, status: PodStatus) => {
    if (!pod) throw new Error('no such pod')
    await api.patch(resources.pods, pod.metadata, { status }, { subresource: 'status' })
    await quiet()
  }
  return {
    api,
    quiet,
    current,
    pods,
    active,
    advance: async (ms: number) => {
      clock.advance(ms)
      await quiet()
    },
    succeed: (pod = active()[0]) => settle(pod, { phase: 'Succeeded', containerStatuses: [exited(0, clock)] }),
    fail: (pod = active()[0], exitCode = 1, more: PodStatus = {}) =>
      settle(pod, { phase: 'Failed', containerStatuses: [exited(exitCode, clock)], ...more }),
    run: (pod = active()[0], more: PodStatus = {}) =>
      settle(pod, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], ...more }),
    change: async (change: Partial<JobSpec>) => {
      const now = current()
      await api.update(resources.jobs, { ...now, spec: { ...now.spec, ...change } as JobSpec })
      await quiet()
    },
    conditions: () => (current().status?.conditions ?? []).filter((c) => c.status === 'True').map((c) => c.type),
    events: () => api.all(resources.events).map(({ reason, message }) => `${reason}: ${message}`),
  }
}

function ended(status: PodStatus | undefined): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

function exited(exitCode: number, clock: FakeClock): ContainerStatus {
  const finishedAt = clock.now().toISOString()
  const terminated = { exitCode, finishedAt }
  return { name: 'pi', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated } }
}

test('one pod that succeeds completes a Job', async () => {
  const { api, current, pods, run, succeed, conditions, events } = await begin({ completions: 1 })
  expect(pods()).toHaveLength(1)
  expect(pods()[0]?.metadata.finalizers).toEqual(['batch.kubernetes.io/job-tracking'])
  expect(current().status).toEqual({
    active: 1,
    ready: 0,
    startTime: '2026-01-01T00:00:00Z',
    terminating: 0,
    uncountedTerminatedPods: {},
  })
  await run()
  expect(current().status).toMatchObject({ active: 1, ready: 1 })
  api.writes.length = 0
  await succeed()
  expect(api.writes.filter((write) => !write.includes('events'))).toEqual([
    'patch pods/status',
    'update jobs/status',
    'patch pods',
    'update jobs/status',
  ])
  expect(conditions()).toEqual(['SuccessCriteriaMet', 'Complete'])
  expect(current().status).toMatchObject({ succeeded: 1, completionTime: '2026-01-01T00:00:00Z', ready: 0 })
  expect(current().status?.active).toBeUndefined()
  expect(current().status?.conditions?.[1]).toMatchObject({
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  })
  expect(pods().some(isTracked)).toBe(false)
  expect(events()).toEqual([`SuccessfulCreate: Created pod: ${pods()[0]?.metadata.name}`, 'Completed: Job completed'])
})

test('no more pods than parallelism run, and as many as completions succeed', async () => {
  const { active, pods, succeed, conditions, current } = await begin({ parallelism: 2, completions: 5 })
  expect(active()).toHaveLength(2)
  for (let i = 1; i <= 5; i++) {
    await succeed()
    expect(active().length).toBeLessThanOrEqual(Math.min(2, 5 - i))
  }
  expect(pods()).toHaveLength(5)
  expect(conditions()).toContain('Complete')
  expect(current().status?.succeeded).toBe(5)
})

test('a work queue is done when one pod succeeded and the others have ended', async () => {
  const { active, succeed, fail, conditions, pods } = await begin({ parallelism: 3 })
  await succeed()
  expect(active()).toHaveLength(2)
  await fail()
  expect(conditions()).toEqual([])
  await succeed()
  expect(conditions()).toContain('Complete')
  expect(pods()).toHaveLength(3)
})

test('parallelism changes while it runs', async () => {
  const { active, change } = await begin({ parallelism: 4, completions: 8 })
  await change({ parallelism: 1 })
  expect(active()).toHaveLength(1)
  await change({ parallelism: 3 })
  expect(active()).toHaveLength(3)
})

describe('failures', () => {
  test('are retried after a pause that doubles, up to the limit', async () => {
    const { active, fail, advance, conditions, events, current } = await begin({ completions: 1, backoffLimit: 2 })
    for (const pauseMs of [10_000, 20_000]) {
      await fail()
      expect(active()).toHaveLength(0)
      await advance(pauseMs - 1)
      expect(active()).toHaveLength(0)
      await advance(1)
      expect(active()).toHaveLength(1)
    }
    await fail()
    expect(conditions()).toEqual(['FailureTarget', 'Failed'])
    expect(current().status).toMatchObject({ failed: 3, ready: 0, terminating: 0 })
    expect(events().at(-1)).toBe('BackoffLimitExceeded: Job has reached the specified backoff limit')
  })

  test('stop what still runs', async () => {
    const { active, fail, conditions, current } = await begin({ parallelism: 3, completions: 3, backoffLimit: 0 })
    await fail()
    expect(active()).toHaveLength(0)
    expect(conditions()).toEqual(['FailureTarget', 'Failed'])
    expect(current().status?.failed).toBe(3)
  })

  test('of containers that restart count by their restarts', async () => {
    const onFailure = { ...template, spec: { ...template.spec, restartPolicy: 'OnFailure' } }
    const { run, conditions } = await begin({ completions: 1, backoffLimit: 2, template: onFailure })
    const restarted = (restartCount: number): PodStatus => ({
      containerStatuses: [{ name: 'pi', image: '', imageID: '', ready: true, restartCount }],
    })
    await run(undefined, restarted(1))
    expect(conditions()).toEqual([])
    await run(undefined, restarted(2))
    expect(conditions()).toEqual(['FailureTarget', 'Failed'])
  })

  test('of nodes can be ignored, and some exit codes end it all', async () => {
    const rules = [
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    ]
    const spec = { completions: 1, backoffLimit: 0, podFailurePolicy: { rules }, podReplacementPolicy: 'Failed' }
    const { active, fail, advance, conditions, current, pods } = await begin(spec)
    await fail(undefined, 1, { conditions: [{ type: 'DisruptionTarget', status: 'True' }] })
    expect(conditions()).toEqual([])
    await advance(10_000)
    const last = active()[0]
    await fail(last, 42)
    expect(conditions()).toEqual(['FailureTarget', 'Failed'])
    expect(current().status?.conditions?.[0]).toMatchObject({
      reason: 'PodFailurePolicy',
      message: `Container pi for pod demo/${last?.metadata.name} failed with exit code 42 matching FailJob rule at index 1`,
    })
    expect(pods()).toHaveLength(2)
  })
})

test('a deadline ends a Job', async () => {
  const { active, advance, conditions, events } = await begin({ completions: 1, activeDeadlineSeconds: 30 })
  await advance(29_999)
  expect(active()).toHaveLength(1)
  await advance(1)
  expect(active()).toHaveLength(0)
  expect(conditions()).toEqual(['FailureTarget', 'Failed'])
  expect(events().at(-1)).toBe('DeadlineExceeded: Job was active longer than specified deadline')
})

test('a suspended Job has no pods; its time counts from when it goes on', async () => {
  const { active, advance, change, current, conditions, events } = await begin({ completions: 1, suspend: true })
  expect(active()).toHaveLength(0)
  expect(current().status?.startTime).toBeUndefined()
  expect(conditions()).toEqual(['Suspended'])
  await advance(60_000)
  await change({ suspend: false })
  expect(active()).toHaveLength(1)
  expect(conditions()).toEqual([])
  expect(current().status?.startTime).toBe('2026-01-01T00:01:00Z')
  await change({ suspend: true })
  expect(active()).toHaveLength(0)
  expect(current().status?.startTime).toBeUndefined()
  expect(events().filter((event) => /^(Suspended|Resumed)/.test(event))).toEqual([
    'Suspended: Job suspended',
    'Resumed: Job resumed',
  ])
  expect(conditions()).toEqual(['Suspended'])
})

describe('an indexed Job', () => {
  const indexed = { completionMode: 'Indexed', completions: 4, parallelism: 2 }

  test('tells each pod its index, and makes each index once', async () => {
    const { pods, active, succeed, current, conditions } = await begin(indexed)
    expect(active().map(completionIndex)).toEqual([0, 1])
    const [first] = pods()
    expect(first).toMatchObject({
      metadata: {
        generateName: 'pi-0-',
        labels: { 'batch.kubernetes.io/job-completion-index': '0' },
        annotations: { 'batch.kubernetes.io/job-completion-index': '0' },
      },
      spec: {
        hostname: 'pi-0',
        containers: [
          {
            env: [
              {
                name: 'JOB_COMPLETION_INDEX',
                valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
              },
            ],
          },
        ],
      },
    })
    await succeed(active()[1])
    expect(current().status).toMatchObject({ completedIndexes: '1', succeeded: 1 })
    expect(new Set(active().map(completionIndex))).toEqual(new Set([0, 2]))
    await succeed()
    await succeed()
    await succeed()
    expect(current().status).toMatchObject({ completedIndexes: '0-3', succeeded: 4 })
    expect(conditions()).toContain('Complete')
    expect(pods()).toHaveLength(4)
  })

  test('gives each index its own number of tries', async () => {
    const spec = { ...indexed, completions: 2, backoffLimitPerIndex: 1, backoffLimit: 2147483647 }
    const { active, advance, fail, succeed, current, conditions, pods } = await begin(spec)
    await fail(active()[0])
    expect(current().status?.failed).toBeUndefined()
    await advance(10_000)
    const again = active().find((pod) => completionIndex(pod) === 0)
    expect(again?.metadata.annotations?.['batch.kubernetes.io/job-index-failure-count']).toBe('1')
    expect(current().status?.failed).toBe(1)
    await fail(again)
    expect(current().status).toMatchObject({ failedIndexes: '0', failed: 2 })
    await succeed()
    expect(conditions()).toEqual(['FailureTarget', 'Failed'])
    expect(current().status).toMatchObject({ completedIndexes: '1', failedIndexes: '0' })
    expect(current().status?.conditions?.[0]?.reason).toBe('FailedIndexes')
    expect(pods()).toHaveLength(3)
  })

  test('may succeed before all indexes have', async () => {
    const successPolicy = { rules: [{ succeededIndexes: '1-3', succeededCount: 1 }] }
    const { active, succeed, conditions, current } = await begin({ ...indexed, successPolicy })
    await succeed(active()[0])
    expect(conditions()).toEqual([])
    await succeed(active()[0])
    expect(conditions()).toEqual(['SuccessCriteriaMet', 'Complete'])
    expect(current().status?.conditions?.[0]).toMatchObject({
      reason: 'SuccessPolicy',
      message: 'Matched rules at index 0',
    })
    expect(active()).toHaveLength(0)
    expect(current().status?.failed).toBeUndefined()
  })

  test('shrinks to fewer indexes', async () => {
    const { active, change, succeed, conditions } = await begin({ ...indexed, parallelism: 4 })
    await change({ completions: 1, parallelism: 1 })
    expect(active().map(completionIndex)).toEqual([0])
    await succeed()
    expect(conditions()).toContain('Complete')
  })
})

test('a pod that is deleted counts as failed, and is let go', async () => {
  const { api, active, pods, quiet, current } = await begin({ completions: 1 })
  const [pod] = active()
  await api.patch(resources.pods, pod!.metadata, { spec: { nodeName: 'n1' } })
  await api.delete(resources.pods, pod!.metadata)
  await quiet()
  expect(current().status).toMatchObject({ failed: 1, terminating: 1 })
  expect(
    pods()
      .filter(isTracked)
      .map(({ metadata }) => metadata.name),
  ).not.toContain(pod?.metadata.name)
})

test('pods are replaced when they have ended, where the Job says so', async () => {
  const { api, active, quiet, fail, advance, current } = await begin({ completions: 1, podReplacementPolicy: 'Failed' })
  const [pod] = active()
  await api.patch(resources.pods, pod!.metadata, { spec: { nodeName: 'n1' } })
  await api.delete(resources.pods, pod!.metadata)
  await quiet()
  await advance(60_000)
  expect(active()).toHaveLength(0)
  expect(current().status).toMatchObject({ terminating: 1 })
  await fail(pod)
  await advance(10_000)
  expect(active()).toHaveLength(1)
  expect(current().status).toMatchObject({ failed: 1, terminating: 0 })
})

test('pods that match are adopted; pods of a Job that is gone are let go', async () => {
  const { api, pods, quiet, active } = await begin({ completions: 2, parallelism: 1 })
  await api.create(resources.pods, {
    metadata: { name: 'orphan', namespace: 'demo', labels: { job: 'pi' } },
    spec: { containers: [] },
  })
  await quiet()
  expect(active()).toHaveLength(1)
  await api.delete(resources.jobs, { namespace: 'demo', name: 'pi' })
  await quiet()
  expect(pods().length).toBeGreaterThan(0)
  expect(pods().some(isTracked)).toBe(false)
})

test('a Job that somebody else manages is left alone', async () => {
  const { api, current } = await begin({ completions: 1, managedBy: 'example.com/queue' })
  expect(api.all(resources.pods)).toEqual([])
  expect(current().status).toBeUndefined()
})

test('what a stopped controller left half-done is finished by the next', async () => {
  const { api, active, quiet, current } = await begin({ completions: 1 })
  harness.stop()
  const [pod] = active()
  const uid = pod?.metadata.uid ?? ''
  await api.updateStatus(resources.jobs, {
    ...current(),
    status: { ...current().status, uncountedTerminatedPods: { succeeded: [uid] } },
  })
  await api.patch(resources.pods, pod!.metadata, { status: { phase: 'Succeeded' } }, { subresource: 'status' })
  harness = startHarness(startJobController, { api, clock: new FakeClock() })
  await quiet()
  expect(current().status?.succeeded).toBe(1)
  expect(hasJobCondition(current(), 'Complete')).toBe(true)
})

test('pods that cannot be made are tried again after a second, then two', async () => {
  const { api, change, advance, pods } = await begin({ parallelism: 0 })
  api.refuse = (write) => {
    if (write === 'create pods') throw new Error('no quota')
  }
  const attempts = () => api.all(resources.events).reduce((sum, { count = 0 }) => sum + count, 0)
  await change({ parallelism: 1 })
  const first = attempts()
  await advance(999)
  expect(attempts()).toBe(first)
  await advance(1)
  expect(attempts()).toBe(first + 1)
  await advance(1999)
  expect(attempts()).toBe(first + 1)
  api.refuse = () => {}
  await advance(1)
  expect(pods()).toHaveLength(1)
})
