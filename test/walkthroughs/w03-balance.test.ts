import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, startCluster, type TestCluster, words } from '../harness.ts'

let cluster: TestCluster
let ip = ''
let podIps: string[] = []
beforeAll(async () => {
  cluster = await startCluster()
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
  await eventually(
    'rules for three pods',
    async () =>
      (await cluster.onNode('iptables-save', '-t', 'nat')).split(`--comment "demo/nginx:http ->`).length === 4,
  )
})
afterAll(() => cluster?.down())

const loop = () => `for i in $(seq 30); do curl -fsS --max-time 5 http://${ip} || exit 1; done`

test('W03 a loop of curl from a pod reaches all three pods', async () => {
  const answers = words(await cluster.inPod('client', 'sh', '-c', loop()))
  expect(answers).toHaveLength(30)
  expect([...new Set(answers)].sort()).toEqual(podIps.sort())
})

test('W03 a loop of curl from the node reaches all three pods', async () => {
  const answers = words(await cluster.onNode('sh', '-c', loop()))
  expect(answers).toHaveLength(30)
  expect([...new Set(answers)].sort()).toEqual(podIps.sort())
})

test("W18 the chains on the node are kube-proxy's", async () => {
  const rules = await cluster.onNode('iptables-save', '-t', 'nat')
  expect(rules).toContain('-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES')
  expect(rules).toContain('-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES')
  expect(rules).toMatch(new RegExp(`-A KUBE-SERVICES -d ${ip}/32 -p tcp .*"demo/nginx:http cluster IP".* -j KUBE-SVC-`))
  expect(rules).toMatch(/-A KUBE-SVC-\w{16} .*-m statistic --mode random --probability 0.3333\d+ -j KUBE-SEP-/)
  expect(rules).toContain('-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000')
})
