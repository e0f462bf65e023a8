import { afterEach, expect, test } from 'vitest'
import type { ResourceQuotaSpec } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { startResourceQuotaController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

async function begin(spec: ResourceQuotaSpec) {
  const clock = new FakeClock()
  const api = new FakeApi()
  harness = startHarness((ctx) => startResourceQuotaController(ctx, Object.values(resources)), { api, clock })
  const { quiet } = harness
  await api.create(resources.resourceQuotas, { metadata: { name: 'q', namespace: 'demo' }, spec })
  await quiet()
  return {
    api,
    status: () => api.all(resources.resourceQuotas)[0]?.status,
    advance: async (ms: number) => {
      await quiet()
      clock.advance(ms)
      await quiet()
    },
    create: (name: string) =>
      api.create(resources.pods, {
        metadata: { name, namespace: 'demo' },
        spec: { containers: [{ name: 'c', resources: { requests: { memory: '128Mi' } } }] },
      }),
  }
}

test('a new quota is counted at once', async () => {
  const { status } = await begin({ hard: { pods: '2', 'requests.memory': '1Gi', 'count/jobs.batch': '3' } })
  expect(status()).toEqual({
    hard: { pods: '2', 'requests.memory': '1Gi', 'count/jobs.batch': '3' },
    used: { pods: '0', 'requests.memory': '0', 'count/jobs.batch': '0' },
  })
})

test('what came is counted when things are calm, and what is gone makes room soon', async () => {
  const { api, status, advance, create } = await begin({ hard: { pods: '5', 'requests.memory': '1Gi' } })
  await create('a')
  await create('b')
  await create('c')
  await advance(2000)
  expect(status()?.used).toEqual({ pods: '3', 'requests.memory': '384Mi' })
  const at = { namespace: 'demo', name: 'b' }
  await api.patch(resources.pods, at, { status: { phase: 'Succeeded' } }, { subresource: 'status' })
  await api.delete(resources.pods, { namespace: 'demo', name: 'a' })
  await advance(50)
  expect(status()?.used).toEqual({ pods: '1', 'requests.memory': '128Mi' })
})

test('what was charged for nothing is given back', async () => {
  const { api, status, advance } = await begin({ hard: { secrets: '5' } })
  const [quota] = api.all(resources.resourceQuotas)
  await api.updateStatus(resources.resourceQuotas, { ...quota!, status: { ...quota!.status, used: { secrets: '4' } } })
  await advance(2000)
  expect(status()?.used).toEqual({ secrets: '0' })
})

test('a new limit is put down at once', async () => {
  const { api, status, advance } = await begin({ hard: { secrets: '5' } })
  await api.create(resources.secrets, { metadata: { name: 's', namespace: 'demo' } })
  await api.patch(resources.resourceQuotas, { namespace: 'demo', name: 'q' }, { spec: { hard: { secrets: '9' } } })
  await advance(0)
  expect(status()).toEqual({ hard: { secrets: '9' }, used: { secrets: '1' } })
})
