/** The way out of a cluster, and what must never take it: tested against a world made of one more namespace. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run, runOk } from '../../src/lib/exec.ts'
import { assertSandbox, eventually, example, startCluster, type TestCluster } from '../harness.ts'

/** Documentation addresses (RFC 5737): the machine's own, its router's, and a server far away. */
const machine = '192.0.2.2'
const router = '192.0.2.1'
const server = '198.51.100.7'
const answered = '203.0.113.5'

/** Tells each visitor the address it came from; answers every DNS question for an A record with one address. */
const worldProgram = `
const http = require('node:http')
http.createServer((request, response) => response.end(request.socket.remoteAddress + '\\n')).listen(80, '${server}')
const socket = require('node:dgram').createSocket('udp4')
socket.on('message', (query, from) => {
  const end = query.indexOf(0, 12) + 5
  const isA = query.readUInt16BE(end - 4) === 1
  const head = Buffer.from(query.subarray(0, 12))
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(isA ? 1 : 0, 6)
  head.writeUInt16BE(0, 10)
  const address = Buffer.from([${answered.split('.').join(',')}])
  const record = Buffer.concat([Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]), address])
  socket.send(Buffer.concat([head, query.subarray(12, end), ...(isA ? [record] : [])]), from.port, from.address)
})
socket.bind(53, '${router}', () => console.log('listening'))
`

let cluster: TestCluster
let world: ChildProcess
let directory: string

/** Packets seen by the world that carry an address only the cluster knows. */
async function leaked(): Promise<number> {
  const shown = await runOk('ip', ['netns', 'exec', 'world', 'nft', 'list', 'table', 'ip', 'leaks'])
  return [...shown.matchAll(/packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0)
}

beforeAll(async () => {
  assertSandbox()
  directory = mkdtempSync(join(tmpdir(), 'fairway-egress-'))
  await runOk('ip', ['-batch', '-'], {
    input: `netns add world
link add uplink type veth peer name outside netns world
address add ${machine}/24 dev uplink
link set uplink up
route add default via ${router}
`,
  })
  await runOk('ip', ['-n', 'world', '-batch', '-'], {
    input: `link set lo up
address add ${server}/32 dev lo
address add ${router}/24 dev outside
link set outside up
`,
  })
  const ranges = '{ 10.96.0.0/12, 10.244.0.0/16, 172.30.0.0/24 }'
  await runOk('ip', ['netns', 'exec', 'world', 'nft', '-f', '-'], {
    input: `table ip leaks {
  chain seen {
    type filter hook prerouting priority -300
    ip daddr ${ranges} counter
    ip saddr ${ranges} counter
  }
}
`,
  })
  world = spawn('ip', ['netns', 'exec', 'world', process.execPath, '-e', worldProgram], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => world.stdout?.once('data', resolve))
  writeFileSync(join(directory, 'resolv.conf'), `nameserver ${router}\n`)
  await runOk('mount', ['--bind', join(directory, 'resolv.conf'), '/etc/resolv.conf'])
  cluster = await startCluster()
  await cluster.kubectl('apply', '-f', example('web.yaml'))
  await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
})

afterAll(async () => {
  await cluster?.down()
  await run('umount', ['/etc/resolv.conf'])
  world?.kill('SIGKILL')
  await run('ip', ['netns', 'delete', 'world'])
  rmSync(directory, { recursive: true, force: true })
})

describe('the way out', () => {
  test("a pod reaches the world under the machine's address", async () => {
    expect(await cluster.inPod('deploy/web', 'curl', '-sS', '--max-time', '5', `http://${server}/`)).toBe(
      `${machine}\n`,
    )
  })

  test("names outside the cluster are asked of the machine's resolver", async () => {
    const found = await cluster.inPod('deploy/web', 'nslookup', 'www.example.org')
    expect(found).toContain(`Address: ${answered}`)
  })

  test('a Service that is an ExternalName leads to the address behind it', async () => {
    await cluster.apply(
      '{apiVersion: v1, kind: Service, metadata: {name: far}, spec: {type: ExternalName, externalName: www.example.org}}',
    )
    const found = await eventually('the name', async () => cluster.inPod('deploy/web', 'nslookup', 'far'))
    expect(found).toContain('canonical name = www.example.org')
    expect(found).toContain(`Address: ${answered}`)
  })
})

describe('nothing uncaught leaves', () => {
  const nobody = ['10.111.222.33', '10.244.0.200', '10.244.77.7', '172.30.0.99']

  test.each(nobody)('a packet from a pod, a node or the machine to %s', async (address) => {
    const url = `http://${address}/`
    const curl = ['curl', '-sS', '--max-time', '2', url]
    await cluster.tryKubectl(['exec', 'deploy/web', '--', ...curl])
    await cluster.fairway('exec', '--', ...curl)
    await run(curl[0] ?? '', curl.slice(1))
    expect(await leaked()).toBe(0)
  })
})
