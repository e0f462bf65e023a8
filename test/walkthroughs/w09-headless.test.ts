import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example, words } from '../harness.ts'
import { loop, readyPods, startThreeNodes, type ThreeNodes, visits } from './three-nodes.ts'

let cluster: ThreeNodes
const fullName = 'web.demo.svc.cluster.local'
const inClient = (...command: string[]) => cluster.inPod('-n demo client', ...command)
const addresses = async () => words(await inClient('dig', '+short', fullName))
const podIps = async () => (await readyPods(cluster, 'app=web', 'demo')).map(({ ip }) => ip).sort()

beforeAll(async () => {
  cluster = await startThreeNodes()
  await cluster.kubectl('create', 'namespace', 'demo')
  await cluster.kubectl('apply', '-n', 'demo', '-f', example('headless.yaml'), '-f', example('client.yaml'))
  await cluster.kubectl('rollout', 'status', '-n', 'demo', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', '-n', 'demo', 'pod/client', '--timeout=30s')
  await eventually('three addresses', async () => (await addresses()).length === 3)
})
afterAll(() => cluster?.down())

test('W09 kubectl shows that there is no cluster IP', async () => {
  expect(await cluster.kubectl('get', 'svc', '-n', 'demo', 'web', '--no-headers')).toMatch(
    /^web +ClusterIP +None +<none> +80\/TCP /,
  )
  const described = await cluster.kubectl('describe', 'svc', '-n', 'demo', 'web')
  expect(described).toMatch(/^IP: +None$/m)
  expect(described).toMatch(/^IPs: +None$/m)
})

test("W09 the name answers with every ready pod's address, in varying order", async () => {
  const found = await inClient('nslookup', 'web')
  const shown = [...found.matchAll(/^Name:\tweb\.demo\.svc\.cluster\.local\nAddress: (.*)$/gm)].map(([, ip = '']) => ip)
  expect(shown.sort()).toEqual(await podIps())
  const orders = new Set<string>()
  await eventually('another order', async () => orders.add((await addresses()).join(' ')).size > 1)
  for (const order of orders) expect(words(order).sort()).toEqual(await podIps())
})

test('W09 each address has a name, and the port has a record', async () => {
  for (const ip of await podIps()) {
    const dashed = `${ip.replaceAll('.', '-')}.${fullName}.`
    expect(await inClient('dig', '+short', '-x', ip)).toBe(`${dashed}\n`)
    expect(await inClient('dig', '+short', dashed)).toBe(`${ip}\n`)
  }
  const records = (await inClient('dig', '+short', 'SRV', `_http._tcp.${fullName}`)).trim().split('\n')
  expect(records.map((record) => record.replace(/^\d+ \d+ 80 (\S+)$/, '$1')).sort()).toEqual(
    (await podIps()).map((ip) => `${ip.replaceAll('.', '-')}.${fullName}.`).sort(),
  )
})

test('W09 calls by name reach different pods', async () => {
  const seen = visits(await inClient('sh', '-c', loop('web', 20)))
  expect(seen).toHaveLength(20)
  expect(new Set(seen.map((one) => one?.podIp)).size).toBeGreaterThan(1)
})

test('W09 there is nothing of it in the kernel', async () => {
  for (const node of cluster.nodes.keys()) {
    expect((await cluster.on(node, 'iptables-save')).stdout).not.toContain('demo/web')
  }
})

test('W09 a pod that is not ready has no address there, until it is ready again', async () => {
  const [pod] = await readyPods(cluster, 'app=web', 'demo')
  await cluster.inPod(`-n demo ${pod?.name}`, 'touch', '/tmp/unready')
  await eventually('two addresses', async () => {
    const found = await addresses()
    return found.length === 2 && !found.includes(pod?.ip ?? '')
  })
  await cluster.inPod(`-n demo ${pod?.name}`, 'rm', '/tmp/unready')
  await eventually('three addresses', async () => (await addresses()).includes(pod?.ip ?? ''))
})

test('W09 with publishNotReadyAddresses it has', async () => {
  await cluster.kubectl('patch', 'svc', '-n', 'demo', 'web', '-p', '{"spec":{"publishNotReadyAddresses":true}}')
  const [pod] = await readyPods(cluster, 'app=web', 'demo')
  await cluster.inPod(`-n demo ${pod?.name}`, 'touch', '/tmp/unready')
  await eventually('a pod that is not ready', async () => (await podIps()).length === 2)
  await eventually('three addresses', async () => (await addresses()).length === 3)
})
