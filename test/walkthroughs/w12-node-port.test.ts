import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, example } from '../harness.ts'
import { curl, readyPods, startThreeNodes, type ThreeNodes, visit } from './three-nodes.ts'

let cluster: ThreeNodes
beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl(
    'apply',
    '-f',
    example('web.yaml'),
    '-f',
    example('node-port.yaml'),
    '-f',
    example('client.yaml'),
  )
  // Two of the three nodes run a pod, one runs none.
  await cluster.kubectl('cordon', 'node-2')
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('delete', 'pod', '-l', 'app=web', '--field-selector=spec.nodeName=node-2', '--wait=false')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
  await eventually('three pods, none of them on node-2', async () => {
    const pods = await readyPods(cluster, 'app=web')
    return pods.length === 3 && pods.every(({ node }) => node !== 'node-2')
  })
})
afterAll(() => cluster?.down())

const answersFromEverywhere = async (port: string) => {
  for (const [node, ip] of cluster.nodes) {
    const callers = [
      ['an outside host', () => cluster.outside(...curl(`http://${ip}:${port}`))],
      ['the node itself', () => cluster.on(node, ...curl(`http://${ip}:${port}`))],
      ['another node', () => cluster.on('node-1', ...curl(`http://${ip}:${port}`))],
      ['localhost', () => cluster.on(node, ...curl(`http://127.0.0.1:${port}`))],
      ['a pod', () => cluster.tryKubectl(['exec', 'client', '--', ...curl(`http://${ip}:${port}`)])],
    ] as const
    for (const [who, call] of callers) {
      await eventually(`an answer from ${node}:${port} for ${who}`, async () => visit(await call()))
    }
  }
}

test('W12 a node port of one’s own choice answers on every node, to everybody', async () => {
  expect(await cluster.kubectl('get', 'svc', 'web-nodeport', '--no-headers')).toMatch(
    /^web-nodeport +NodePort +10\.\d+\.\d+\.\d+ +<none> +80:30080\/TCP /,
  )
  await answersFromEverywhere('30080')
})

test('W12 the cluster IP works as well', async () => {
  const ip = await cluster.kubectl('get', 'svc', 'web-nodeport', '-o', 'jsonpath={.spec.clusterIP}')
  for (const node of cluster.nodes.keys()) expect(visit(await cluster.on(node, ...curl(`http://${ip}`)))).toBeDefined()
})

test('W12 without a choice one is allocated and shown', async () => {
  await cluster.kubectl('expose', 'deployment', 'web', '--name', 'chosen', '--type', 'NodePort', '--port', '80')
  const shown = await cluster.kubectl('get', 'svc', 'chosen', '--no-headers')
  const port = / 80:(\d+)\/TCP /.exec(shown)?.[1] ?? shown
  expect(Number(port)).toBeGreaterThanOrEqual(30_000)
  expect(Number(port)).toBeLessThanOrEqual(32_767)
  await answersFromEverywhere(port)
  await cluster.kubectl('delete', 'svc', 'chosen')
  const [, ip] = [...cluster.nodes][0] ?? []
  await eventually('nobody at the port of a deleted Service', async () => {
    const result = await cluster.outside(...curl(`http://${ip}:${port}`))
    return result.code === 7
  })
})

describe('W12 refused in the words of Kubernetes:', () => {
  const service = (ports: string) =>
    `{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {type: NodePort, ports: [${ports}]}}`

  test.each([
    [
      'a port in use',
      service('{port: 80, nodePort: 30080}'),
      'The Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    ],
    [
      'a port out of range',
      service('{port: 80, nodePort: 80}'),
      'The Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. ' +
        'The range of valid ports is 30000-32767',
    ],
    [
      'a node port of a ClusterIP',
      service('{port: 80, nodePort: 30090}').replace('NodePort', 'ClusterIP'),
      'The Service "bad" is invalid: spec.ports[0].nodePort: Forbidden: may not be used when `type` is \'ClusterIP\'',
    ],
  ])('%s', async (_, manifest, message) => {
    const result = await cluster.tryKubectl(['create', '-f', '-'], manifest)
    expect(result.stderr.trim()).toBe(message)
    expect((await cluster.tryKubectl(['get', 'svc', 'bad'])).stderr).toContain('Error from server (NotFound)')
  })
})
