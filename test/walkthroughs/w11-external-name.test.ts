import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, example } from '../harness.ts'
import { machine, startUpstream, type Upstream } from '../upstream.ts'
import { curl, readyPods, startThreeNodes, type ThreeNodes, visit } from './three-nodes.ts'

const addresses = { 'redis.example.org': '198.51.100.7', 'redis-2.example.org': '198.51.100.8' }
const fullName = 'redis.default.svc.cluster.local'
let cluster: ThreeNodes
let upstream: Upstream
beforeAll(async () => {
  upstream = await startUpstream(addresses, 6379)
  cluster = await startThreeNodes()
  await cluster.kubectl('apply', '-f', example('external-name.yaml'), '-f', example('client.yaml'))
  await cluster.kubectl('apply', '-f', example('web.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
})
afterAll(async () => {
  await cluster?.down()
  await upstream?.close()
})

const answer = async () => (await cluster.inPod('client', 'dig', '+short', fullName)).trim().split('\n')
const answers = (...expected: string[]) =>
  eventually(
    `${fullName} at ${expected.join(' ')}`,
    async () => (await answer()).sort().join() === expected.sort().join(),
  )
const patch = (spec: string) => cluster.kubectl('patch', 'svc', 'redis', '-p', `{"spec":${spec}}`)
const field = (path: string) => cluster.kubectl('get', 'svc', 'redis', '-o', `jsonpath={${path}}`)

/** What a program in Node.js does, by the short name. */
function nodeClient(): Promise<string> {
  const program = "require('node:net').connect(6379, 'redis').on('data', (data) => process.stdout.write(data))"
  return cluster.inPod('client', '/opt/fairway/scripts/node', '-e', program)
}

async function rules(): Promise<string> {
  const all = [...cluster.nodes.keys()].map(async (node) => (await cluster.on(node, 'iptables-save')).stdout)
  return (await Promise.all(all)).join('')
}

test('W11 there is no cluster IP, no endpoint and no rule', async () => {
  expect(await cluster.kubectl('get', 'svc', 'redis', '--no-headers')).toMatch(
    /^redis +ExternalName +<none> +redis\.example\.org +6379\/TCP /,
  )
  expect(await field('.spec.clusterIP')).toBe('')
  expect((await cluster.tryKubectl(['get', 'endpoints', 'redis'])).stderr).toContain('not found')
  const slices = ['get', 'endpointslices', '-l', 'kubernetes.io/service-name=redis', '-o', 'name']
  expect(await cluster.kubectl(...slices)).toBe('')
  expect(await rules()).not.toContain('default/redis')
})

test('W11 the name answers with a CNAME, and with the address behind it', async () => {
  await answers('redis.example.org.', addresses['redis.example.org'])
  const found = await cluster.inPod('client', 'nslookup', 'redis')
  expect(found).toContain(`${fullName}\tcanonical name = redis.example.org.`)
  expect(found).toContain(`Name:\tredis.example.org\nAddress: ${addresses['redis.example.org']}`)
})

test('W11 a Node.js program in a pod connects through the short name', async () => {
  expect(await nodeClient()).toBe(`redis.example.org to ${machine}\n`)
})

test('W11 a new externalName is a new answer', async () => {
  await patch('{"externalName":"redis-2.example.org"}')
  await answers('redis-2.example.org.', addresses['redis-2.example.org'])
  await eventually('the other server', async () => (await nodeClient()).startsWith('redis-2.example.org '))
})

test('W11 a name that nobody knows upstream is a CNAME to nowhere', async () => {
  await patch('{"externalName":"nowhere.example.org"}')
  await answers('nowhere.example.org.')
  await expect(nodeClient()).rejects.toThrow('getaddrinfo ENOTFOUND redis')
})

test("W11 another Service's name leads to its cluster IP", async () => {
  await patch('{"externalName":"web.default.svc.cluster.local"}')
  const ip = await cluster.kubectl('get', 'svc', 'web', '-o', 'jsonpath={.spec.clusterIP}')
  await answers('web.default.svc.cluster.local.', ip)
  expect(visit(await cluster.tryKubectl(['exec', 'client', '--', ...curl('http://redis')]))).toBeDefined()
})

/** The Service leads to pods of `web`, at its cluster IP. */
async function leadsToPods(): Promise<string> {
  const ip = await field('.spec.clusterIP')
  expect(ip).toMatch(/^10\./)
  await answers(ip)
  for (const node of cluster.nodes.keys()) {
    await eventually(`an answer on ${node}`, async () => visit(await cluster.on(node, ...curl(`http://${ip}:6379`))))
  }
  return ip
}

async function isExternal(): Promise<void> {
  await answers('redis.example.org.', addresses['redis.example.org'])
  await eventually('no rules', async () => !(await rules()).includes('default/redis'))
  for (const path of ['.spec.clusterIP', '.spec.clusterIPs', '.spec.ports[0].nodePort', '.spec.ipFamilies']) {
    expect([path, await field(path)]).toEqual([path, ''])
  }
}

const toExternal = () => patch('{"type":"ExternalName","externalName":"redis.example.org"}')

test('W11 ExternalName to ClusterIP and back', async () => {
  await patch(
    '{"type":"ClusterIP","externalName":null,"selector":{"app":"web"},"ports":[{"port":6379,"targetPort":"http"}]}',
  )
  const ip = await leadsToPods()
  await toExternal()
  await isExternal()
  const addressOf = await cluster.tryKubectl(['get', 'ipaddress', ip])
  expect(addressOf.stderr).toContain('(NotFound)')
})

test('W11 ExternalName to NodePort, to ClusterIP, and back', async () => {
  await patch('{"type":"NodePort","externalName":null}')
  await leadsToPods()
  const port = await field('.spec.ports[0].nodePort')
  for (const [node, ip] of cluster.nodes) {
    await eventually(`an answer from ${node}`, async () =>
      visit(await cluster.outside(...curl(`http://${ip}:${port}`))),
    )
  }
  await patch('{"type":"ClusterIP"}')
  expect(await field('.spec.ports[0].nodePort')).toBe('')
  await leadsToPods()
  for (const ip of cluster.nodes.values()) {
    await eventually('a closed port', async () => (await cluster.outside(...curl(`http://${ip}:${port}`))).code === 7)
  }
  await toExternal()
  await isExternal()
})

test('W11 ExternalName to headless and back', async () => {
  await patch('{"type":"ClusterIP","externalName":null,"clusterIP":"None"}')
  await answers(...(await readyPods(cluster, 'app=web')).map(({ ip }) => ip))
  expect(await rules()).not.toContain('default/redis')
  await toExternal()
  await isExternal()
})

test('W11 from ClusterIP to headless there is no direct way', async () => {
  const refused = await cluster.tryKubectl(['patch', 'svc', 'web', '-p', '{"spec":{"clusterIP":"None"}}'])
  expect(refused.stderr).toContain('may not change once set')
})
