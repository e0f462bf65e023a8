import { afterEach, describe, expect, test } from 'vitest'
import type { Namespace } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { contentConditions } from './conditions.ts'
import { startNamespaceController, startServiceAccountController, startSystemNamespaces } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())
const begin = () =>
  (harness = startHarness((ctx) => {
    startSystemNamespaces(ctx)
    startServiceAccountController(ctx)
    startNamespaceController(ctx, Object.values(resources))
  }))
const names = () => harness.api.all(resources.namespaces).map((ns) => ns.metadata.name)
const at = { namespace: 'demo', name: 'x' }

test('the system namespaces exist from the start, each with its ServiceAccount', async () => {
  const { api, quiet } = begin()
  await quiet()
  expect(names().sort()).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system'])
  const accounts = api.all(resources.serviceAccounts).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  expect(accounts.sort()).toEqual([
    'default/default',
    'kube-node-lease/default',
    'kube-public/default',
    'kube-system/default',
  ])
  await api.delete(resources.serviceAccounts, { namespace: 'default', name: 'default' })
  await quiet()
  expect(await api.get(resources.serviceAccounts, { namespace: 'default', name: 'default' })).toBeDefined()
})

describe('a deleted namespace', () => {
  test('goes with all it holds', async () => {
    const { api, quiet } = begin()
    await api.create(resources.namespaces, { metadata: { name: 'demo' } })
    await api.create(resources.configMaps, { metadata: at })
    await api.create(resources.events, { metadata: at, involvedObject: {} })
    await api.create(resources.configMaps, { metadata: { ...at, namespace: 'default' } })
    await quiet()
    await api.delete(resources.namespaces, { name: 'demo' })
    await quiet()
    expect(names()).not.toContain('demo')
    expect(api.all(resources.configMaps).map(({ metadata }) => metadata.namespace)).toEqual(['default'])
    expect(api.all(resources.events)).toEqual([])
  })

  test('waits for its pods before it deletes the rest, and says so', async () => {
    const { api, quiet } = begin()
    await api.create(resources.namespaces, { metadata: { name: 'demo' } })
    await api.create(resources.pods, { metadata: at, spec: { containers: [], nodeName: 'n1' } })
    await api.create(resources.configMaps, { metadata: at })
    await quiet()
    await api.delete(resources.namespaces, { name: 'demo' })
    await quiet()
    expect(api.all(resources.configMaps)).toHaveLength(1)
    const demo = api.all(resources.namespaces).find((ns) => ns.metadata.name === 'demo') as Namespace
    expect(demo.status?.conditions?.find((c) => c.type === 'NamespaceContentRemaining')?.message).toBe(
      'Some resources are remaining: pods. has 1 resource instances',
    )
    await api.delete(resources.pods, at, { gracePeriodSeconds: 0 })
    await quiet()
    expect(names()).not.toContain('demo')
    expect(api.all(resources.configMaps)).toEqual([])
  })

  test('waits for finalizers of others', async () => {
    const { api, quiet } = begin()
    await api.create(resources.namespaces, { metadata: { name: 'demo' } })
    await api.create(resources.configMaps, { metadata: { ...at, finalizers: ['example.com/hold'] } })
    await quiet()
    await api.delete(resources.namespaces, { name: 'demo' })
    await quiet()
    expect(names()).toContain('demo')
    await api.patch(resources.configMaps, at, { metadata: { finalizers: null } })
    await quiet()
    expect(names()).not.toContain('demo')
  })
})

test('conditions count resources and finalizers', () => {
  const remaining = [
    { resource: { group: 'apps', plural: 'deployments' }, count: 2, finalizers: ['a', 'a'] },
    { resource: { group: '', plural: 'pods' }, count: 1, finalizers: [] },
  ]
  const messages = contentConditions(remaining).flatMap((c) => (c.status === 'True' ? [c.message] : []))
  expect(messages).toEqual([
    'Some resources are remaining: deployments.apps has 2 resource instances, pods. has 1 resource instances',
    'Some content in the namespace has finalizers remaining: a in 2 resource instances',
  ])
})
