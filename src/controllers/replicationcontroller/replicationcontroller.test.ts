import { afterEach, expect, test } from 'vitest'
import type { ReplicationController } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { type Harness, playAgents, startHarness, template } from '../testing/harness.ts'
import { startReplicationControllerController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

const labels = { app: 'web' }
const at = { namespace: 'demo', name: 'web' }

function controller(replicas: number): ReplicationController {
  return { metadata: { ...at }, spec: { replicas, selector: labels, template: template(labels) } }
}

test('keeps its number of pods, and reports in its own kind', async () => {
  harness = startHarness(startReplicationControllerController)
  playAgents(harness)
  const { api, quiet } = harness
  await api.create(resources.replicationControllers, controller(3))
  await quiet()
  expect(api.all(resources.pods).map((pod) => pod.metadata.ownerReferences?.[0])).toMatchObject(
    Array.from({ length: 3 }, () => ({ apiVersion: 'v1', kind: 'ReplicationController', name: 'web' })),
  )
  const stored = () => api.all(resources.replicationControllers)[0]
  expect(stored()?.spec?.selector).toEqual(labels)
  expect(stored()?.status).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    observedGeneration: 1,
  })
  expect(api.all(resources.events)[0]).toMatchObject({
    source: { component: 'replication-controller' },
    involvedObject: { kind: 'ReplicationController', name: 'web' },
    reason: 'SuccessfulCreate',
  })
  await api.patch(resources.replicationControllers, at, { spec: { replicas: 1 } })
  await quiet()
  expect(api.all(resources.pods)).toHaveLength(1)
  api.writes.length = 0
  await quiet()
  expect(api.writes).toEqual([])
})

test('adopts a matching orphan, but not the pod of a ReplicaSet', async () => {
  harness = startHarness(startReplicationControllerController)
  const { api, quiet } = harness
  const pod = (name: string) => ({ metadata: { name, namespace: 'demo', labels }, spec: { containers: [] } })
  await api.create(resources.pods, pod('orphan'))
  const owned = pod('owned')
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid: 'x', controller: true }]
  await api.create(resources.pods, { ...owned, metadata: { ...owned.metadata, ownerReferences } })
  await api.create(resources.replicationControllers, controller(1))
  await quiet()
  expect(api.all(resources.pods).map(({ metadata }) => metadata.ownerReferences?.[0]?.kind)).toEqual([
    'ReplicationController',
    'ReplicaSet',
  ])
})
