/** Clusters of both address families, and of IPv6 alone: names, cluster IPs and pods over each. */
import { afterEach, beforeAll, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { assertSandbox, eventually, example, fairway, startCluster, type TestCluster, words } from '../harness.ts'

const services6 = 'fd00:10:96::/112'
const pods6 = 'fd00:10:244::/48'
const linger = ['--max-time', '3']

beforeAll(assertSandbox)
afterEach(async () => {
  await fairway('down')
})

async function startWeb(...options: string[]): Promise<TestCluster> {
  const cluster = await startCluster('--nodes', '2', ...options)
  await cluster.kubectl('apply', '-f', example('web.yaml'), '-f', example('client.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
  return cluster
}

/** Every pod answers at that address, from a pod and from both nodes. */
async function allAnswer(cluster: TestCluster, address: string) {
  const url = `http://${address.includes(':') ? `[${address}]` : address}`
  const loop = `for i in $(seq 30); do curl -gsS --max-time 3 ${url} || exit 1; done`
  await eventually(`all pods at ${url}`, async () => {
    const answers = await cluster.inPod('client', 'sh', '-c', loop)
    return new Set([...answers.matchAll(/ServerName: (\S+),/g)].map(([, name]) => name)).size === 3
  })
  for (const node of ['node-1', 'node-2']) {
    await eventually(`an answer on ${node}`, async () =>
      (await fairway('exec', '--node', node, '--', 'curl', '-gsS', ...linger, url)).stdout.includes('ServerIP'),
    )
  }
}

test('a dual-stack cluster gives pods, nodes and Services addresses of both families', async () => {
  const cluster = await startWeb('--pod-cidr', `10.244.0.0/16,${pods6}`, '--service-cidr', `10.96.0.0/12,${services6}`)
  expect((await fairway('node', 'list')).stdout).toMatch(
    /^node-2 +Ready +172\.30\.0\.12,fd00:172:30::c +10\.\S+,fd00:\S+\/64$/m,
  )
  await cluster.kubectl('patch', 'svc', 'web', '-p', '{"spec":{"ipFamilyPolicy":"RequireDualStack"}}')
  const ips = words(await cluster.kubectl('get', 'svc', 'web', '-o', 'jsonpath={.spec.clusterIPs[*]}'))
  expect(ips).toEqual([expect.stringMatching(/^10\./), expect.stringMatching(/^fd00:10:96::/)])
  for (const ip of ips) await allAnswer(cluster, ip)
  const pod = words(await cluster.kubectl('get', 'pod', 'client', '-o', 'jsonpath={.status.podIPs[*].ip}'))
  expect(pod).toEqual([expect.stringMatching(/^10\.244\./), expect.stringMatching(/^fd00:10:244:/)])
  for (const type of ['A', 'AAAA']) {
    await eventually(`an ${type} record`, async () =>
      ips.includes((await cluster.inPod('client', 'dig', '+short', type, 'web.default.svc.cluster.local')).trim()),
    )
  }
  const unreachable = await run('ip', ['-6', 'route', 'show', 'type', 'unreachable'])
  expect(unreachable.stdout).toContain(services6)
  await cluster.down()
  expect((await run('ip', ['-6', 'route', 'show', 'type', 'unreachable'])).stdout).toBe('')
})

test('a cluster of IPv6 alone works by name', async () => {
  const cluster = await startWeb('--pod-cidr', pods6, '--service-cidr', services6)
  expect(await cluster.kubectl('get', 'svc', 'kubernetes', '--no-headers')).toMatch(
    /^kubernetes +ClusterIP +fd00:10:96::1 /,
  )
  const ip = await cluster.kubectl('get', 'svc', 'web', '-o', 'jsonpath={.spec.clusterIP}')
  expect(ip).toMatch(/^fd00:10:96::/)
  await allAnswer(cluster, ip)
  expect(await cluster.inPod('client', 'curl', '-sS', ...linger, 'http://web')).toContain('ClientIP: fd00:10:244:')
  expect(await cluster.kubectl('logs', 'client')).toBe('')
})

test('node ports come from the range that was given', async () => {
  const cluster = await startCluster('--service-node-port-range', '20000-20001')
  const create = (name: string, port: string) =>
    cluster.tryKubectl(['create', 'service', 'nodeport', name, '--tcp=80', `--node-port=${port}`])
  expect((await create('low', '30000')).stderr).toContain(
    'provided port is not in the valid range. The range of valid ports is 20000-20001',
  )
  for (const name of ['a', 'b']) expect((await create(name, '0')).code).toBe(0)
  const ports = words(await cluster.kubectl('get', 'svc', '-o', 'jsonpath={.items[*].spec.ports[*].nodePort}'))
  expect(new Set(ports)).toEqual(new Set(['20000', '20001']))
})
