import { afterEach, describe, expect, test } from 'vitest'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../api/generated/policy.v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { startReplicaSetController } from '../replicaset/index.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, runPod, startHarness, template } from '../testing/harness.ts'
import { startDisruptionController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

const labels = { app: 'web' }

/** A ReplicaSet of ready pods, and a budget of them. */
async function begin(spec: PodDisruptionBudgetSpec, replicas = 4) {
  const clock = new FakeClock()
  const api = new FakeApi()
  harness = startHarness(
    (ctx) => {
      startReplicaSetController(ctx)
      startDisruptionController(ctx)
    },
    { api, clock },
  )
  const selector = { matchLabels: labels }
  const owner = {
    metadata: { name: 'web', namespace: 'demo' },
    spec: { replicas, selector, template: template(labels) },
  }
  await api.create(resources.replicaSets, owner)
  await harness.quiet()
  for (const pod of api.all(resources.pods)) await runPod(api, pod)
  await api.create(resources.podDisruptionBudgets, {
    metadata: { name: 'web', namespace: 'demo' },
    spec: { selector, ...spec },
  })
  await harness.quiet()
  const current = () => api.all(resources.podDisruptionBudgets)[0] as PodDisruptionBudget
  return { api, clock, quiet: harness.quiet, current, status: () => current().status }
}

describe('disruptions allowed', () => {
  test.each<[string, PodDisruptionBudgetSpec, { expected: number; desired: number; allowed: number }]>([
    ['a number that must stay', { minAvailable: 3 }, { expected: 4, desired: 3, allowed: 1 }],
    ['a share that must stay', { minAvailable: '60%' }, { expected: 4, desired: 3, allowed: 1 }],
    ['a number that may go', { maxUnavailable: 3 }, { expected: 4, desired: 1, allowed: 3 }],
    ['a share that may go', { maxUnavailable: '30%' }, { expected: 4, desired: 2, allowed: 2 }],
    ['all must stay', { minAvailable: '100%' }, { expected: 4, desired: 4, allowed: 0 }],
  ])('%s', async (_name, spec, { expected, desired, allowed }) => {
    const { status } = await begin(spec)
    expect(status()).toMatchObject({
      currentHealthy: 4,
      expectedPods: expected,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      conditions: [
        allowed > 0
          ? { type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods' }
          : { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' },
      ],
    })
  })

  test('none, where there are no pods', async () => {
    const { status } = await begin({ minAvailable: 0, selector: { matchLabels: { app: 'other' } } })
    expect(status()).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 })
  })

  test('fewer, while pods are not ready', async () => {
    const { api, quiet, status } = await begin({ maxUnavailable: 1 })
    await runPod(api, api.all(resources.pods)[0]!, 'False')
    await quiet()
    expect(status()).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0 })
  })

  test('as of what the controller wants, not of what is there', async () => {
    const { api, quiet, status } = await begin({ maxUnavailable: '50%' })
    const [owner] = api.all(resources.replicaSets)
    await api.update(resources.replicaSets, { ...owner!, spec: { ...owner!.spec!, replicas: 8 } })
    await quiet()
    expect(status()).toMatchObject({ expectedPods: 8, currentHealthy: 4, desiredHealthy: 4, disruptionsAllowed: 0 })
  })
})

test('an eviction that was granted counts until its pod has gone, or two minutes', async () => {
  const { api, clock, quiet, current, status } = await begin({ minAvailable: 3 })
  const [pod] = api.all(resources.pods)
  const disruptedPods = { [pod!.metadata.name]: '2026-01-01T00:00:00Z' }
  await api.updateStatus(resources.podDisruptionBudgets, {
    ...current(),
    status: { ...status(), disruptionsAllowed: 0, disruptedPods },
  })
  await quiet()
  expect(status()).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 0, disruptedPods })
  clock.advance(120_000)
  await quiet()
  expect(status()).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 1 })
  expect(status()?.disruptedPods).toBeUndefined()
  expect(api.all(resources.events).map(({ reason }) => reason)).toContain('NotDeleted')
})

test('pods whose controller has no scale leave the budget undecided', async () => {
  const { api, quiet, status } = await begin({ maxUnavailable: 1 })
  await api.create(resources.pods, {
    metadata: {
      name: 'job',
      namespace: 'demo',
      labels,
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'job', uid: 'j', controller: true }],
    },
    spec: { containers: [] },
  })
  await quiet()
  expect(status()).toMatchObject({
    disruptionsAllowed: 0,
    conditions: [{ status: 'False', reason: 'SyncFailed', message: 'found no controllers for pod "job"' }],
  })
})
