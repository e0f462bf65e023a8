import { afterEach, expect, test } from 'vitest'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, node, startHarness } from '../testing/harness.ts'
import { startPodGarbageCollector } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

async function begin() {
  const clock = new FakeClock()
  const api = new FakeApi()
  await api.create(resources.nodes, node('n1'))
  const pod = { metadata: { name: 'p', namespace: 'demo' }, spec: { containers: [], nodeName: 'n1' } }
  await api.create(resources.pods, pod)
  harness = startHarness(startPodGarbageCollector, { api, clock })
  await harness.quiet()
  await api.delete(resources.nodes, { name: 'n1' })
  await harness.quiet()
  return { api, clock, quiet: harness.quiet }
}

test('a pod of a node that is gone is failed and removed after the quarantine', async () => {
  const { api, clock, quiet } = await begin()
  clock.advance(39_000)
  await quiet()
  expect(api.all(resources.pods)).toHaveLength(1)
  clock.advance(1000)
  await quiet()
  expect(api.all(resources.pods)).toEqual([])
  expect(api.writes.slice(-2)).toEqual(['patch pods/status', 'delete pods'])
})

test('a node that comes back in time keeps its pods', async () => {
  const { api, clock, quiet } = await begin()
  await api.create(resources.nodes, node('n1'))
  await quiet()
  clock.advance(60_000)
  await quiet()
  expect(api.all(resources.pods)).toHaveLength(1)
})
