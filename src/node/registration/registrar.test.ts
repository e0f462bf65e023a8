import { expect, test } from 'vitest'
import type { Node } from '../../api/generated/v1.ts'
import { Client, Informer, resources } from '../../client/index.ts'
import { FakeClock } from '../../lib/clock.ts'
import { createLogger } from '../../lib/log.ts'
import type { AgentConfig } from '../config.ts'
import { FakeApi } from '../testing/fake-api.ts'
import type { MachineFacts } from './node-object.ts'
import { Registrar } from './registrar.ts'

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
const nodesPath = '/api/v1/nodes'

const config: AgentConfig = {
  nodeName: 'node-1',
  nodeIP: '172.30.0.11',
  clusterDNS: '10.96.0.10',
  clusterDomain: 'cluster.local',
  kubeconfig: '',
  serverCert: '',
  serverKey: '',
  clientCA: '',
  stateDir: '',
  fairwayRoot: '',
  netnsPrefix: '',
}

const facts: MachineFacts = {
  cpus: 2,
  memoryKi: 1024,
  diskKi: 1024,
  architecture: 'amd64',
  kernelVersion: '6.1',
  osImage: 'Linux',
  machineID: '1',
  systemUUID: '1',
  bootID: '1',
}

function started() {
  const api = new FakeApi()
  const client = new Client({ transport: api })
  const clock = new FakeClock()
  const log = createLogger('test')
  const nodes = new Informer({ client, resource: resources.nodes, log })
  const registrar = new Registrar({ client, nodes, config, facts, clock, log })
  return { api, client, clock, nodes, registrar }
}

test('what others add to the capacity is for pods, until they take it away', async () => {
  const { api, client, nodes, registrar } = started()
  const stop = new AbortController()
  const node = (): Node | undefined => api.get(`${nodesPath}/node-1`)
  const registered = registrar.start(stop.signal)
  nodes.start(stop.signal)
  await registered
  await api.until('the Node', () => node()?.status?.allocatable !== undefined)
  const add = (amount: string | null) =>
    client.patch(
      resources.nodes,
      { name: 'node-1' },
      { status: { capacity: { 'example.com/dongle': amount } } },
      { type: 'application/merge-patch+json', subresource: 'status' },
    )
  for (const amount of ['4', '3']) {
    await add(amount)
    await api.until('the amount', () => node()?.status?.allocatable?.['example.com/dongle'] === amount)
  }
  await add(null)
  await api.until('its end', () => node()?.status?.allocatable?.['example.com/dongle'] === undefined)
  expect(node()?.status?.allocatable).toEqual(node()?.status?.capacity)
  stop.abort()
})

test('a Lease that was made before its Node was known gets its owner at the next renewal, and keeps it', async () => {
  const { api, clock, nodes, registrar } = started()
  const stop = new AbortController()
  const registered = registrar.start(stop.signal)
  const lease = () => api.get(`${leases}/node-1`)
  await api.until('the Lease', () => lease() !== undefined)
  expect(lease()?.metadata.ownerReferences).toBeUndefined()

  nodes.start(stop.signal)
  await registered
  await api.until('the Node', () => api.get(`${nodesPath}/node-1`) !== undefined)
  const uid = api.get(`${nodesPath}/node-1`)?.metadata.uid
  await expect.poll(() => nodes.get('node-1')).toBeDefined()
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid }
  for (let renewal = 1; renewal <= 2; renewal++) {
    const before = lease()?.metadata.resourceVersion
    const renewed = () => {
      clock.advance(10_000)
      return lease()?.metadata.resourceVersion
    }
    await expect.poll(renewed).not.toBe(before)
    expect(lease()?.metadata.ownerReferences).toEqual([owner])
  }
  stop.abort()
})
