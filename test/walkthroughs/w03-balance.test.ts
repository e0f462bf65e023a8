import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, words } from '../harness.ts'
import { startThreeNodes, type ThreeNodes } from './three-nodes.ts'

let cluster: ThreeNodes
let ip = ''
let podIps: string[] = []
beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl('apply', '-f', example('nginx-demo.yaml'), '-f', example('client.yaml'))
  await cluster.kubectl('rollout', 'status', '-n', 'demo', 'deployment/nginx', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
  ip = await cluster.kubectl('get', 'svc', '-n', 'demo', 'nginx', '-o', 'jsonpath={.spec.clusterIP}')
  const pods = await cluster.kubectl(
    'get',
    'pods',
    '-n',
    'demo',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}',
  )
  for (const line of pods.trim().split('\n')) {
    const [name = '', podIp = ''] = words(line)
    podIps.push(podIp)
    await cluster.inPod(`-n demo ${name}`, 'sh', '-c', `echo ${podIp} > /usr/share/nginx/html/index.html`)
  }
  for (const node of cluster.nodes.keys()) {
    await eventually(`rules for three pods on ${node}`, async () => {
      const rules = (await cluster.on(node, 'iptables-save', '-t', 'nat')).stdout
      return rules.split('--comment "demo/nginx:http ->').length === 4
    })
  }
})
afterAll(() => cluster?.down())

/** That one of three pods is never chosen happens once in ten billion times. */
const calls = 60
const loop = () => `for i in $(seq ${calls}); do curl -fsS --max-time 5 http://${ip} || exit 1; done`

test('W03 a loop of curl from a pod reaches all three pods', async () => {
  const answers = words(await cluster.inPod('client', 'sh', '-c', loop()))
  expect(answers).toHaveLength(calls)
  expect([...new Set(answers)].sort()).toEqual(podIps.sort())
})

test('W03 a loop of curl from any node reaches all three pods', async () => {
  for (const node of cluster.nodes.keys()) {
    const answers = words((await cluster.on(node, 'sh', '-c', loop())).stdout)
    expect(answers).toHaveLength(calls)
    expect([...new Set(answers)].sort()).toEqual(podIps.sort())
  }
})
