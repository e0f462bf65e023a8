import { afterEach, expect, test } from 'vitest'
import { resources } from '../client/resources.ts'
import { systemClock } from '../lib/clock.ts'
import { silentLogger } from '../lib/log.ts'
import { startControllers } from './index.ts'
import { FakeApi } from './testing/fake-api.ts'
import { deployment, node, quiet, runPod, settings } from './testing/harness.ts'

const stopper = new AbortController()
afterEach(() => stopper.abort())

/** Writes by kind, sorted: what a sync costs. */
function bill(writes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const write of [...writes].sort()) counts[write] = (counts[write] ?? 0) + 1
  return counts
}

test('all controllers together: what an empty cluster, a node, and scaling 0 → 3 cost in writes', async () => {
  const api = new FakeApi()
  startControllers({ client: api, settings, log: silentLogger, clock: systemClock, signal: stopper.signal })
  await quiet(api)
  expect(bill(api.writes)).toEqual({
    'create endpoints': 1,
    'create endpointslices': 1,
    'create namespaces': 4,
    'create priorityclasses': 2,
    'create runtimeclasses': 1,
    'create serviceaccounts': 4,
    'create servicecidrs': 1,
    'update servicecidrs/status': 1,
    'create services': 1,
  })

  api.writes.length = 0
  await api.create(resources.nodes, node('n1'))
  await quiet(api)
  expect(bill(api.writes)).toEqual({ 'create nodes': 1, 'patch nodes': 1 })

  await api.create(resources.namespaces, { metadata: { name: 'demo' } })
  const web = deployment('web', 0)
  await api.create(resources.deployments, web)
  await quiet(api)
  api.writes.length = 0
  await api.patch(resources.deployments, web.metadata, { spec: { replicas: 3 } })
  await quiet(api)
  // Bound, and not yet running: the agent's part follows.
  expect(bill(api.writes)).toEqual({
    'patch deployments': 1,
    'update replicasets': 1,
    'update replicasets/status': 1,
    'update deployments/status': expect.toSatisfy((n: number) => n <= 2),
    'create pods': 3,
    'create pods/binding': 3,
    'create events': 7,
  })

  api.writes.length = 0
  for (const pod of api.all(resources.pods)) {
    await runPod(api, pod)
    await quiet(api)
  }
  expect(bill(api.writes)).toEqual({
    'patch pods/status': 3,
    'update replicasets/status': 3,
    'update deployments/status': 3,
  })

  api.writes.length = 0
  await quiet(api)
  expect(api.writes).toEqual([])
})
