import { afterAll, beforeAll, expect, test } from 'vitest'
import { example } from '../harness.ts'
import { startThreeNodes, type ThreeNodes } from './three-nodes.ts'

let cluster: ThreeNodes
beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl('apply', '-f', example('fixed-cluster-ip.yaml'))
})
afterAll(() => cluster?.down())

const service = (name: string, clusterIP: string) =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {clusterIP: ${clusterIP}, ports: [{port: 80}]}}`

test('W04 the address asked for is honoured', async () => {
  expect(await cluster.kubectl('get', 'svc', 'fixed', '-o', 'jsonpath={.spec.clusterIP}')).toBe('10.97.72.1')
})

test.each([
  [
    'an address that is taken',
    service('second', '10.97.72.1'),
    'spec.clusterIPs: Invalid value: ["10.97.72.1"]: failed to allocate IP 10.97.72.1: provided IP is already allocated',
  ],
  [
    'an address outside the range',
    service('second', '10.1.2.3'),
    'spec.clusterIPs: Invalid value: ["10.1.2.3"]: failed to allocate IP 10.1.2.3: the provided network does not match the current range',
  ],
])('W04 %s is refused, and nothing is stored', async (_, manifest, message) => {
  const result = await cluster.tryKubectl(['create', '-f', '-'], manifest)
  expect(result.code).toBe(1)
  expect(result.stderr).toContain(message)
  expect((await cluster.tryKubectl(['get', 'svc', 'second'])).stderr).toContain('NotFound')
})

test('W04 the address cannot be changed later', async () => {
  const patch = '{"spec":{"clusterIP":"10.97.72.2","clusterIPs":["10.97.72.2"]}}'
  const result = await cluster.tryKubectl(['patch', 'svc', 'fixed', '-p', patch])
  expect(result.code).toBe(1)
  expect(result.stderr).toContain('spec.clusterIPs[0]: Invalid value: ["10.97.72.2"]: may not change once set')
})

test('W04 a deleted Service frees its address', async () => {
  await cluster.apply(service('other', '10.97.72.9'))
  await cluster.kubectl('delete', 'svc', 'other')
  await cluster.apply(service('another', '10.97.72.9'))
})
