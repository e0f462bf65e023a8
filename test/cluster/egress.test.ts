/** The way out of a cluster, and what must never take it, tested against a world made of one more namespace. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/lib/exec.ts'
import { eventually, example, startCluster, type TestCluster } from '../harness.ts'
import { machine, startUpstream, type Upstream } from '../upstream.ts'

const server = { name: 'www.example.org', address: '198.51.100.7', port: 8080 }
const get = (address: string) => ['curl', '-sS', '--http0.9', '--max-time', '2', `http://${address}:${server.port}/`]

let cluster: TestCluster
let world: Upstream

/** Packets seen by the world that carry an address only the cluster knows. */
async function leaked(): Promise<number> {
  const shown = await world.inWorld('nft', 'list', 'table', 'ip', 'leaks')
  return [...shown.matchAll(/packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

beforeAll(async () => {
  world = await startUpstream({ [server.name]: server.address }, server.port)
  const ranges = '{ 10.96.0.0/12, 10.244.0.0/16, 172.30.0.0/24 }'
  const hook = 'type filter hook prerouting priority -300;'
  const count = `ip daddr ${ranges} counter; ip saddr ${ranges} counter;`
  await world.inWorld('nft', `table ip leaks { chain seen { ${hook} ${count} }; }`)
  cluster = await startCluster()
  await cluster.kubectl('apply', '-f', example('web.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
})

afterAll(async () => {
  await cluster?.down()
  await world?.close()
})

describe('the way out', () => {
  test("a pod reaches the world under the machine's address", async () => {
    const greeting = await cluster.inPod('deploy/web', ...get(server.address))
    expect(greeting).toBe(`${server.name} to ${machine}\n`)
  })

  test("names outside the cluster are asked of the machine's resolver", async () => {
    const found = await cluster.inPod('deploy/web', 'nslookup', server.name)
    expect(found).toContain(`Address: ${server.address}`)
  })

  test('an ExternalName leads to the address behind it', async () => {
    await cluster.kubectl('create', 'service', 'externalname', 'far', '--external-name', server.name)
    const found = await eventually('the name', async () => cluster.inPod('deploy/web', 'nslookup', 'far'))
    expect(found).toContain(`canonical name = ${server.name}`)
    expect(found).toContain(`Address: ${server.address}`)
  })
})

test('a Service without endpoints refuses every attempt at once', async () => {
  await cluster.kubectl('create', 'service', 'clusterip', 'nobody', '--tcp=80')
  const ip = await cluster.kubectl('get', 'svc', 'nobody', '-o', 'jsonpath={.spec.clusterIP}')
  // Linux by default tells one peer six times, and then once a second: the other attempts would hang.
  const loop = `for i in $(seq 20); do curl -s --max-time 1 http://${ip}; echo $?; done`
  await eventually('the rule', async () => (await cluster.inPod('deploy/web', 'sh', '-c', loop)) === '7\n'.repeat(20))
})

describe('nothing uncaught leaves', () => {
  const nobody = ['10.111.222.33', '10.244.0.200', '10.244.77.7', '172.30.0.99']

  test.each(nobody)('a packet from a pod, a node or the machine to %s', async (address) => {
    const [curl = '', ...args] = get(address)
    await cluster.tryKubectl(['exec', 'deploy/web', '--', curl, ...args])
    await cluster.fairway('exec', '--', curl, ...args)
    await run(curl, args)
    expect(await leaked()).toBe(0)
  })
})
