/** Several nodes: routes between their pods, a node that dies and comes back, cordon, drain, and a host outside. */
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { eventually, example, fairway, startCluster, type TestCluster, words } from '../harness.ts'

const base = process.env['FAIRWAY_STATE_DIR'] ?? '/var/lib/fairway'
const names = ['node-1', 'node-2', 'node-3']
const systemMibMax = 400
let cluster: TestCluster

beforeAll(async () => {
  cluster = await startCluster('--nodes', '3', '--zones', 'a,b,c', '--node-monitor-grace-period', '4')
  await cluster.kubectl('apply', '-f', example('web.yaml'), '-f', example('client.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
})
afterAll(() => cluster?.down())

const json = async <T>(...args: string[]) => JSON.parse(await cluster.kubectl('get', ...args, '-o', 'json')) as T
interface List<T> {
  readonly items: readonly T[]
}
interface NodeObject {
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> }
  readonly spec: { readonly podCIDR: string }
}
interface PodObject {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
  readonly spec: { readonly nodeName: string }
  readonly status: { readonly podIP: string; readonly conditions: readonly { type: string; status: string }[] }
}

const nodes = async () => (await json<List<NodeObject>>('nodes')).items
const webPods = async () => (await json<List<PodObject>>('pods', '-l', 'app=web')).items
const isReady = (pod: PodObject) => pod.status.conditions.some((c) => c.type === 'Ready' && c.status === 'True')
const on = (node: string, ...command: string[]) => fairway('exec', '--node', node, '--', ...command)
const curl = (url: string) => ['curl', '-sS', '--max-time', '5', url]
const readyAddresses = async () =>
  words(await cluster.kubectl('get', 'endpoints', 'web', '-o', 'jsonpath={.subsets[*].addresses[*].ip}')).sort()

test('every node is Ready, in its zone, with a range of its own, and a pod of each workload', async () => {
  const all = await nodes()
  expect(all.map(({ metadata }) => metadata.name)).toEqual(names)
  expect(all.map(({ metadata }) => metadata.labels['topology.kubernetes.io/zone'])).toEqual(['a', 'b', 'c'])
  expect(all.map(({ spec }) => spec.podCIDR).sort()).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24'])
  expect((await webPods()).map(({ spec }) => spec.nodeName).sort()).toEqual(names)
  const proxies = await json<List<PodObject>>('pods', '-n', 'kube-system', '-l', 'k8s-app=kube-proxy')
  expect(
    proxies.items
      .filter(isReady)
      .map(({ spec }) => spec.nodeName)
      .sort(),
  ).toEqual(names)
})

test('routes on nodes and in the switch go where the ranges are', async () => {
  const ranges = new Map((await nodes()).map(({ metadata, spec }) => [metadata.name, spec.podCIDR]))
  const expected = (own?: string) =>
    names
      .filter((name) => name !== own)
      .map((name) => `${ranges.get(name)} via 172.30.0.1${name.slice(-1)}`)
      .sort()
  const shown = async (namespace: string) =>
    (await run('ip', ['-n', namespace, 'route', 'show', 'proto', '102'])).stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/ dev .*/, ''))
      .sort()
  for (const name of names) expect(await shown(`fw-fairway-${name}`)).toEqual(expected(name))
  expect(await shown('fw-fairway')).toEqual(expected())
})

test('pods reach each other on all nodes, under their own addresses', async () => {
  const client = await cluster.kubectl('get', 'pod', 'client', '-o', 'jsonpath={.status.podIP}')
  for (const { status } of await webPods()) {
    const answer = await cluster.inPod('client', ...curl(`http://${status.podIP}`))
    expect(answer).toContain(`ClientIP: ${client}, `)
    expect(answer).toContain(`ServerIP: ${status.podIP}!`)
  }
})

test('a host outside reaches nodes, and neither pods nor cluster IPs', async () => {
  const outside = (url: string) => fairway('exec', '--outside', '--', ...curl(url))
  expect((await outside('http://172.30.0.13:10256/livez')).code).toBe(0)
  const [pod] = await webPods()
  const unreachable = await outside(`http://${pod?.status.podIP}`)
  expect(unreachable.code).toBe(7)
  expect((await outside('http://10.96.0.1')).code).toBe(7)
})

test(`the system takes at most ${systemMibMax} MiB on three nodes`, async () => {
  const { stdout, code } = await fairway('status')
  expect(code).toBe(0)
  for (const name of names) expect(stdout).toMatch(new RegExp(`^node ${name} +Ready +172\\.30\\.0\\.1\\d$`, 'm'))
  expect(Number(/memory of the system: ([\d.]+) MiB/.exec(stdout)?.[1])).toBeLessThan(systemMibMax)
})

describe('a node that is switched off', () => {
  let victim = ''
  let lost = ''
  let ip = ''
  beforeAll(async () => {
    const host = await cluster.kubectl('get', 'pod', 'client', '-o', 'jsonpath={.spec.nodeName}')
    victim = host === 'node-2' ? 'node-3' : 'node-2'
    ip = await cluster.kubectl('get', 'svc', 'web', '-o', 'jsonpath={.spec.clusterIP}')
    const pods = await webPods()
    lost = pods.find(({ spec }) => spec.nodeName === victim)?.status.podIP ?? ''
    const stopped = await fairway('node', 'stop', victim)
    expect(stopped).toMatchObject({ code: 0, stdout: `${victim} is off; the cluster notices after 4 s\n` })
  })

  test('leaves no process and no namespace behind, and keeps its disk', async () => {
    expect((await run('ip', ['netns'])).stdout).not.toContain(victim)
    expect((await run('pgrep', ['-f', `nodes/${victim}/`])).stdout).toBe('')
    expect(readFileSync(`${base}/fairway/nodes/${victim}/agent.json`, 'utf8')).toContain(victim)
    expect((await fairway('node', 'list')).stdout).toMatch(
      new RegExp(`^${victim} +stopped +172\\.30\\.0\\.1\\d +10\\.244\\.\\d\\.0/24 +[bc]$`, 'm'),
    )
    expect((await fairway('status')).stdout).toMatch(new RegExp(`^${victim} +stopped$`, 'm'))
    expect((await on(victim, 'true')).stderr).toBe(
      `fairway: ${victim} is stopped; start it with: fairway node start ${victim}\n`,
    )
  })

  test('is NotReady after the grace period, its pods are not ready, and their endpoints leave', async () => {
    await cluster.kubectl('wait', '--for=condition=Ready=Unknown', `node/${victim}`, '--timeout=30s')
    await eventually('its pod to be not ready', async () =>
      (await webPods()).some((pod) => pod.spec.nodeName === victim && !isReady(pod)),
    )
    await eventually('its endpoint to leave', async () => !(await readyAddresses()).includes(lost))
    expect(await readyAddresses()).toHaveLength(2)
    const others = (await nodes()).map(({ metadata }) => metadata.name)
    expect(others).toEqual(names)
    // Rules follow the endpoints; then no request is lost.
    await eventually('requests that all succeed', async () => {
      const loop = `for i in 1 2 3 4 5 6 7 8; do curl -fsS --max-time 3 http://${ip} || exit 1; done`
      return cluster.inPod('client', 'sh', '-c', loop)
    })
  })

  test('cannot be stopped twice; what is no node cannot be stopped at all', async () => {
    expect((await fairway('node', 'stop', victim)).stderr).toContain(`${victim} is stopped already`)
    expect((await fairway('node', 'stop', 'node-9')).stderr).toBe(
      'fairway: cluster fairway has no node "node-9"; it has node-1, node-2, node-3\n',
    )
  })

  test('comes back with its pods, their endpoints and its rules', async () => {
    const started = await fairway('node', 'start', victim)
    expect(started.stdout).toMatch(new RegExp(`^${victim} is Ready after `))
    await eventually('three endpoints', async () => (await readyAddresses()).length === 3)
    const back = (await webPods()).find(({ spec }) => spec.nodeName === victim)
    await eventually('its pod to answer', () => cluster.inPod('client', ...curl(`http://${back?.status.podIP}`)))
    await eventually('the cluster IP on the node', async () => (await on(victim, ...curl(`http://${ip}`))).code === 0)
    expect((await fairway('node', 'start', victim)).stderr).toBe(`fairway: ${victim} is not stopped\n`)
    expect((await fairway('logs', victim)).stdout).toContain('node agent started')
  })
})

test('a cordoned node gets no pods, a drained one loses them, and uncordon opens it again', async () => {
  await cluster.kubectl('cordon', 'node-3')
  expect(await cluster.kubectl('get', 'node', 'node-3', '--no-headers')).toMatch(/^node-3 +Ready,SchedulingDisabled /)
  await cluster.kubectl('scale', 'deployment/web', '--replicas=6')
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  const placed = async () => (await webPods()).filter(({ metadata }) => !metadata.deletionTimestamp)
  expect((await placed()).filter(({ spec }) => spec.nodeName === 'node-3')).toHaveLength(1)
  const drained = await cluster.kubectl('drain', 'node-3', '--ignore-daemonsets', '--force', '--timeout=30s')
  expect(drained).toContain('node/node-3 drained')
  expect((await placed()).filter(({ spec }) => spec.nodeName === 'node-3')).toEqual([])
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('uncordon', 'node-3')
  await cluster.kubectl('scale', 'deployment/web', '--replicas=9')
  await eventually('pods on it again', async () => (await placed()).some(({ spec }) => spec.nodeName === 'node-3'))
})

test('a stopped node stays off when the cluster is adopted after a crash', async () => {
  await fairway('node', 'stop', 'node-3')
  const parts = ['supervisor', 'control-plane', 'node-1', 'node-2']
  for (const part of parts) process.kill(Number(readFileSync(`${base}/fairway/run/${part}.pid`, 'utf8')), 'SIGKILL')
  await eventually('status to say so', async () => (await fairway('status')).stdout.match(/^control-plane +gone/m))
  const other = await fairway('up', '--nodes', '2')
  expect(other.stderr).toContain('was made with another --nodes: without these options it starts with the settings')
  const adopted = await fairway('up')
  expect(adopted.stderr).toBe('')
  expect(adopted.stdout).toContain('node-1 to node-3 are Ready')
  expect((await fairway('node', 'list')).stdout).toMatch(/^node-3 +stopped /m)
  expect((await fairway('node', 'start', 'node-3')).stdout).toMatch(/^node-3 is Ready after /)
})

test.each(['stop', 'start'])('a node whose %s was ended half way can be stopped, and started', async (command) => {
  // What either leaves behind: the mark, and a node that is still there.
  writeFileSync(`${base}/fairway/nodes/node-2/stopped`, '')
  if (command === 'stop') expect(await fairway('node', 'stop', 'node-2')).toMatchObject({ code: 0, stderr: '' })
  expect(await fairway('node', 'start', 'node-2')).toMatchObject({ code: 0, stderr: '' })
  expect((await on('node-2', 'true')).code).toBe(0)
})
