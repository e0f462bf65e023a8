import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, words } from '../harness.ts'
import { startThreeNodes, type ThreeNodes } from './three-nodes.ts'

let cluster: ThreeNodes
beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl('create', '-f', example('nginx-demo.yaml'))
  await cluster.kubectl('create', '-f', example('selector-neighbours.yaml'))
  await cluster.kubectl('rollout', 'status', '-n', 'demo', 'deployment/nginx', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', '-n', 'demo', 'pod/half', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', '-n', 'other', 'pod/elsewhere', '--timeout=30s')
})
afterAll(() => cluster?.down())

test('W01 kubectl get shows the Deployment, its pods with their IPs, and the Service', async () => {
  const deployment = words(await cluster.kubectl('get', 'deploy', '-n', 'demo', '--no-headers'))
  expect(deployment.slice(0, 4)).toEqual(['nginx', '3/3', '3', '3'])
  const pods = await cluster.kubectl('get', 'pod', '-n', 'demo', '-l', 'env=prod', '-o', 'wide', '--no-headers')
  expect(pods.trim().split('\n')).toHaveLength(3)
  expect(pods.match(/1\/1 +Running +0 .* 10\.244\.[012]\.\d+ +node-[123] +<none> +<none>/g)).toHaveLength(3)
  const service = words(await cluster.kubectl('get', 'svc', '-n', 'demo', '--no-headers'))
  expect([service[0], service[1], service[3], service[4]]).toEqual(['nginx', 'ClusterIP', '<none>', '80/TCP'])
})

test("W01 the Endpoints line of describe is exactly the pods' IPs", async () => {
  const selected = await cluster.kubectl(
    'get',
    'pod',
    '-n',
    'demo',
    '-l',
    'app=nginx,env=prod',
    '-o',
    'jsonpath={.items[*].status.podIP}',
  )
  const described = await eventually('three endpoints', async () => {
    const text = await cluster.kubectl('describe', 'svc', '-n', 'demo', 'nginx')
    const line = /^Endpoints: +(.*)$/m.exec(text)?.[1] ?? ''
    return line.split(',').length === 3 ? line : undefined
  })
  const expected = words(selected).map((ip) => `${ip}:80`)
  expect(described.split(',').sort()).toEqual(expected.sort())
})
