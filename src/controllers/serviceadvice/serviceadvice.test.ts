import { afterEach, describe, expect, test } from 'vitest'
import type { Pod, Service, ServiceSpec } from '../../api/generated/v1.ts'
import { resources } from '../../client/resources.ts'
import { FakeClock } from '../../lib/clock.ts'
import { FakeApi } from '../testing/fake-api.ts'
import { type Harness, node, startHarness } from '../testing/harness.ts'
import { startServiceAdviceController } from './index.ts'

let harness: Harness
afterEach(() => harness.stop())

const labels = { app: 'web' }
const service = (spec: ServiceSpec = {}): Service => ({
  metadata: { namespace: 'demo', name: 'web' },
  spec: { type: 'ClusterIP', selector: labels, ports: [{ port: 80, targetPort: 'http' }], ...spec },
})
const pod = (name: string, port = 'http'): Pod => ({
  metadata: { namespace: 'demo', name, labels },
  spec: { containers: [{ name: 'c', image: 'i', ports: [{ name: port, containerPort: 80 }] }] },
  status: { phase: 'Running' },
})
const slice = (...nodes: string[]) => ({
  metadata: { namespace: 'demo', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  endpoints: nodes.map((nodeName, i) => ({ addresses: [`10.244.0.${i + 2}`], conditions: { ready: true }, nodeName })),
})

async function begin() {
  const clock = new FakeClock()
  const api = new FakeApi()
  harness = startHarness(startServiceAdviceController, { api, clock })
  await harness.quiet()
  const pass = async (seconds: number) => {
    await harness.quiet()
    for (let i = 0; i < seconds; i++) {
      clock.advance(1000)
      await harness.quiet()
    }
  }
  const events = () =>
    api.all(resources.events).map(({ type, reason, message, count }) => [type, reason, message, count])
  return { api, pass, events }
}

const noPods = (count: number) => [
  'Warning',
  'NoMatchingPods',
  'Its selector app=web matches no pod in namespace demo.',
  count,
]

describe('a Service that selects nothing', () => {
  test('is told of after ten seconds, and once', async () => {
    const { api, pass, events } = await begin()
    await api.create(resources.services, service())
    await pass(9)
    expect(events()).toEqual([])
    await pass(1)
    expect(events()).toEqual([noPods(1)])
    expect(api.all(resources.events)[0]).toMatchObject({
      involvedObject: { apiVersion: 'v1', kind: 'Service', namespace: 'demo', name: 'web' },
      source: { component: 'service-advice-controller' },
    })
    await api.patch(resources.services, service().metadata, { metadata: { annotations: { seen: 'yes' } } })
    await pass(60)
    expect(events()).toEqual([noPods(1)])
  })

  test('is not told of when its pods come in time', async () => {
    const { api, pass, events } = await begin()
    await api.create(resources.services, service())
    await pass(8)
    await api.create(resources.pods, pod('web-1'))
    await pass(30)
    expect(events()).toEqual([])
  })

  test('is told of again when its pods came and went, ten seconds after that', async () => {
    const { api, pass, events } = await begin()
    await api.create(resources.services, service())
    await pass(10)
    await api.create(resources.pods, pod('web-1'))
    await pass(15)
    await api.patch(
      resources.pods,
      pod('web-1').metadata,
      { status: { phase: 'Succeeded' } },
      { subresource: 'status' },
    )
    await pass(9)
    expect(events()).toEqual([noPods(1)])
    await pass(1)
    expect(events()).toEqual([noPods(2)])
  })

  test('is forgotten when it is deleted: its successor is told of anew', async () => {
    const { api, pass, events } = await begin()
    await api.create(resources.services, service())
    await pass(10)
    await api.delete(resources.services, service().metadata)
    await api.create(resources.services, service())
    await pass(10)
    expect(events()).toEqual([noPods(1), noPods(1)])
  })

  test('is told of though changes go on that leave it as it is', async () => {
    const { api, pass, events } = await begin()
    await api.create(resources.services, service())
    for (let i = 0; i < 5; i++) {
      await pass(4)
      await api.patch(resources.services, service().metadata, { metadata: { annotations: { i: String(i) } } })
    }
    expect(events()).toEqual([noPods(1)])
  })
})

test('a named target port that no pod has is told of with the names there are', async () => {
  const { api, pass, events } = await begin()
  await api.create(resources.pods, pod('web-1', 'main'))
  await api.create(resources.services, service())
  await pass(10)
  const message =
    'TCP port 80 goes to the container port named "http", which no pod of it has. Ports that its pods name: main.'
  expect(events()).toEqual([['Warning', 'TargetPortNotFound', message, 1]])
})

describe('Local without a local pod', () => {
  async function local() {
    const begun = await begin()
    const { api } = begun
    for (const name of ['n1', 'n2', 'n3']) await api.create(resources.nodes, node(name))
    await api.create(resources.nodes, node('down', { status: { conditions: [{ type: 'Ready', status: 'False' }] } }))
    await api.create(resources.pods, pod('web-1'))
    await api.create(resources.services, service({ type: 'NodePort', externalTrafficPolicy: 'Local' }))
    await api.create(resources.endpointSlices, slice('n1'))
    return begun
  }
  const bare = (nodes: string, count: number) => {
    const effect = 'packets from outside are dropped'
    const message = `externalTrafficPolicy is Local: no ready pod of it is on ${nodes}, where ${effect}.`
    return ['Normal', 'NoLocalEndpoints', message, count]
  }

  test('names the ready nodes in one Event', async () => {
    const { pass, events } = await local()
    await pass(10)
    expect(events()).toEqual([bare('n2, n3', 1)])
  })

  test('is one spell while its nodes change, and another after none was left', async () => {
    const { api, pass, events } = await local()
    await pass(10)
    await api.update(resources.endpointSlices, slice('n1', 'n2'))
    await pass(20)
    expect(events()).toEqual([bare('n2, n3', 1)])
    await api.update(resources.endpointSlices, slice('n1', 'n2', 'n3'))
    await pass(10)
    await api.create(resources.nodes, node('n4'))
    await pass(10)
    expect(events()).toEqual([bare('n2, n3', 1), bare('n4', 1)])
  })
})

test('a Service in order and one without a selector are not told of', async () => {
  const { api, pass, events } = await begin()
  await api.create(resources.pods, pod('web-1'))
  await api.create(resources.services, service())
  await api.create(resources.services, { metadata: { namespace: 'demo', name: 'by-hand' }, spec: { ports: [] } })
  await pass(30)
  expect(events()).toEqual([])
})
