import { afterEach, expect, test } from 'vitest'
import { resources } from '../../client/resources.ts'
import { type Harness, startHarness } from '../testing/harness.ts'
import { makePod, makeService } from './fixtures.ts'
import { startEndpointsController } from './index.ts'

let harness: Harness | undefined
afterEach(() => harness?.stop())

function start() {
  harness = startHarness(startEndpointsController)
  const { api, until, quiet } = harness
  return { api, until, quiet, endpoints: () => api.all(resources.endpoints) }
}

test('Endpoints follow pods, and come back when somebody deletes them', async () => {
  const { api, until, endpoints } = start()
  await api.create(resources.services, makeService('web'))
  for (const n of [1, 2, 3]) await api.create(resources.pods, makePod(`web-${n}`, { ip: `10.244.0.${n}` }))
  await until('three addresses', () => endpoints()[0]?.subsets?.[0]?.addresses?.length === 3)
  await api.delete(resources.endpoints, { namespace: 'demo', name: 'web' })
  await until('written again', () => endpoints()[0]?.subsets?.[0]?.addresses?.length === 3)
})

test('hand-written ones go with their Service; those without one are left alone', async () => {
  const { api, until, quiet, endpoints } = start()
  const subsets = [{ addresses: [{ ip: '10.9.9.9' }], ports: [{ port: 80 }] }]
  const { selector: _, ...spec } = makeService('db').spec ?? {}
  await api.create(resources.services, { ...makeService('db'), spec })
  for (const name of ['db', 'alone']) {
    await api.create(resources.endpoints, { metadata: { name, namespace: 'demo' }, subsets })
  }
  await quiet()
  await api.delete(resources.services, { namespace: 'demo', name: 'db' })
  await until('one left', () => endpoints().length === 1)
  await quiet()
  expect(endpoints().map(({ metadata }) => metadata.name)).toEqual(['alone'])
})

test('a write that is refused is told in an Event', async () => {
  const { api, until } = start()
  api.refuse = (write) => {
    if (write === 'create endpoints') throw new Error('no room')
  }
  await api.create(resources.services, makeService('web'))
  await until('an Event', () => api.all(resources.events).length > 0)
  const [event] = api.all(resources.events)
  expect([event?.reason, event?.message]).toEqual([
    'FailedToCreateEndpoint',
    'Failed to create endpoint for service demo/web: no room',
  ])
})
