import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, words } from '../harness.ts'
import { curl, loop, type PodRow, readyPods, startThreeNodes, type ThreeNodes, visit, visits } from './three-nodes.ts'

let cluster: ThreeNodes
let outsideIp = ''
beforeAll(async () => {
  cluster = await startThreeNodes('--node-monitor-grace-period', '3')
  await cluster.kubectl('apply', '-f', example('local-policy.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/local', '--timeout=30s')
  outsideIp =
    words((await cluster.outside('ip', '-br', '-4', 'address', 'show', 'eth0')).stdout)[2]?.split('/')[0] ?? ''
})
afterAll(() => cluster?.down())

const pods = () => readyPods(cluster, 'app=local')
const ipOf = (node: string) => cluster.nodes.get(node) ?? ''
const fromOutside = (node: string) => cluster.outside(...curl(`http://${ipOf(node)}:30081`))
const setPolicy = (policy: string) =>
  cluster.kubectl('patch', 'svc', 'local', '-p', `{"spec":{"externalTrafficPolicy":"${policy}"}}`)

/** Nodes with a ready pod, and the one without. */
async function sides(): Promise<{ withPod: PodRow[]; without: string }> {
  const withPod = await pods()
  const without = [...cluster.nodes.keys()].filter((node) => !withPod.some((pod) => pod.node === node))
  expect(withPod).toHaveLength(2)
  expect(without).toHaveLength(1)
  return { withPod, without: without[0] ?? '' }
}

async function health(node: string): Promise<string> {
  const port = await cluster.kubectl('get', 'svc', 'local', '-o', 'jsonpath={.spec.healthCheckNodePort}')
  const url = `http://${ipOf(node)}:${port}/healthz`
  return (await cluster.outside(...curl(url, '-o', '/dev/null', '-w', '%{http_code}'))).stdout
}

test("W13 Local: the server sees the client's own address, and only its own node answers", async () => {
  const { withPod, without } = await sides()
  for (const { node, name } of withPod) {
    const seen = await eventually(`an answer from ${node}`, async () => visit(await fromOutside(node)))
    expect(seen).toMatchObject({ client: outsideIp, pod: name })
    const several = visits((await cluster.outside('sh', '-c', loop(`http://${ipOf(node)}:30081`, 8))).stdout)
    expect(new Set(several.map((one) => one?.pod))).toEqual(new Set([name]))
  }
  await eventually('silence where no pod is', async () => (await fromOutside(without)).code === 28)
})

test('W13 Local: nodes themselves still reach every pod', async () => {
  const { without } = await sides()
  const seen = await cluster.on(without, ...curl(`http://${ipOf(without)}:30081`))
  expect(visit(seen)).toBeDefined()
})

test('W13 the health check answers 200 where a pod is ready, and 503 where none is', async () => {
  const { withPod, without } = await sides()
  for (const { node } of withPod) await eventually(`200 on ${node}`, async () => (await health(node)) === '200')
  await eventually('503 where none is', async () => (await health(without)) === '503')
  const [first] = withPod
  await cluster.inPod(first?.name ?? '', 'touch', '/tmp/unready')
  await eventually('503 when the pod is not ready', async () => (await health(first?.node ?? '')) === '503')
  expect((await fromOutside(first?.node ?? '')).code).toBe(28)
  await cluster.inPod(first?.name ?? '', 'rm', '/tmp/unready')
  await eventually('200 when it is ready again', async () => (await health(first?.node ?? '')) === '200')
})

test('W13 Cluster: every node answers, and the server sees a node as the client', async () => {
  await setPolicy('Cluster')
  expect(await cluster.kubectl('get', 'svc', 'local', '-o', 'jsonpath={.spec.healthCheckNodePort}')).toBe('')
  for (const [node, ip] of cluster.nodes) {
    const seen = await eventually(`an answer of ${node} to a node`, async () => {
      const one = visit(await fromOutside(node))
      return one && one.client !== outsideIp ? one : undefined
    })
    expect(seen.client).toBe(ip)
  }
})

test('W13 when a node dies, the others still serve, with either policy', async () => {
  await setPolicy('Local')
  const { withPod } = await sides()
  const [dead, alive] = withPod
  expect((await cluster.fairway('node', 'stop', dead?.node ?? '')).code).toBe(0)
  await eventually('one endpoint', async () => {
    const path = 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].nodeName}'
    const label = 'kubernetes.io/service-name=local'
    return (await cluster.kubectl('get', 'endpointslices', '-l', label, '-o', path)) === alive?.node
  })
  await eventually(
    "the client's own address",
    async () => visit(await fromOutside(alive?.node ?? ''))?.client === outsideIp,
  )

  await setPolicy('Cluster')
  for (const node of cluster.nodes.keys()) {
    if (node === dead?.node) continue
    // That policy and endpoints have changed is heard separately.
    await eventually(`all answers from ${node} to be those of the pod that is left`, async () => {
      const { code, stdout } = await cluster.outside('sh', '-c', loop(`http://${ipOf(node)}:30081`, 10))
      return code === 0 && visits(stdout).every((one) => one?.pod === alive?.name)
    })
  }
})
