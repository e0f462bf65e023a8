import { afterEach, expect, test } from 'vitest'
import type { ClusterRole } from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import { resources } from '../../client/resources.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { startClusterRoleAggregationController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

const rule = (resource: string) => ({ verbs: ['get'], apiGroups: [''], resources: [resource] })
const part = (name: string, resource: string): ClusterRole => ({
  metadata: { name, labels: { 'aggregate-to': 'all' } },
  rules: [rule(resource)],
})

test('a role has the rules of all it selects, and keeps up with them', async () => {
  harness = startHarness(startClusterRoleAggregationController)
  const { api, quiet } = harness
  const rules = async () => (await api.get(resources.clusterRoles, { name: 'all' })).rules
  await api.create(resources.clusterRoles, part('b', 'services'))
  await api.create(resources.clusterRoles, {
    metadata: { name: 'all', labels: { 'aggregate-to': 'all' } },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'aggregate-to': 'all' } }] },
    rules: [rule('nodes')],
  })
  await quiet()
  expect(await rules()).toEqual([rule('services')])
  await api.create(resources.clusterRoles, part('a', 'pods'))
  await api.create(resources.clusterRoles, part('c', 'pods'))
  await quiet()
  expect(await rules()).toEqual([rule('pods'), rule('services')])
  await api.delete(resources.clusterRoles, { name: 'b' })
  await quiet()
  expect(await rules()).toEqual([rule('pods')])
})
