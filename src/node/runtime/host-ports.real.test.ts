/** Host ports on this machine: packets of every kind, and rules that others touch. */
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Container, ContainerPort } from '../../api/generated/v1.ts'
import { run, runOk } from '../../lib/exec.ts'
import { execIn } from '../pods/start.ts'
import { nodeIP, type TestAgent, TestNode } from '../testing/node.ts'

const otherIP = '172.30.0.99'
const nodeIP6 = 'fd00:172:30::b'
let node: TestNode
let agent: TestAgent

beforeAll(async () => {
  node = await TestNode.prepare({
    nodeIPs: [nodeIP, nodeIP6],
    podCIDRs: ['10.244.0.0/24', 'fd00:10:244::/64'],
  })
  await runOk('ip', ['address', 'replace', otherIP, 'dev', 'lo'])
  agent = await node.startAgent()
})

afterAll(async () => {
  agent.stop()
  await node.remove()
})

/** Says its pod's name to whoever asks, over TCP and UDP, in both families. */
const speaker = `
use IO::Socket::IP; use IO::Select;
chomp(my $name = \`hostname\`);
my @udp = map { IO::Socket::IP->new(Proto => 'udp', LocalHost => $_, LocalPort => 53, V6Only => 1) } '0.0.0.0', '::';
my @tcp = map { IO::Socket::IP->new(LocalHost => $_, LocalPort => 53, V6Only => 1, Listen => 9) } '0.0.0.0', '::';
my $ready = IO::Select->new(@udp, @tcp);
while (1) {
  for my $one ($ready->can_read) {
    if (grep { $_ == $one } @tcp) { my $peer = $one->accept; print $peer "$name " . $peer->peerhost . "\\n"; close $peer }
    else { $one->recv(my $text, 99); $one->send("$name " . $one->peerhost . "\\n") }
  }
}`

/** What one says who is asked at an address; '' from nobody. */
const ask = (protocol: 'tcp' | 'udp', address: string, port: number, local = '') => `
use IO::Socket::IP;
my $s = IO::Socket::IP->new(Proto => '${protocol}', PeerHost => '${address}', PeerPort => ${port}, Timeout => 1${local && `, LocalHost => '${local}'`}) or exit;
if ('${protocol}' eq 'udp') { $s->send('?') }
vec(my $read = '', fileno($s), 1) = 1;
select($read, undef, undef, 1) and sysread $s, my $answer, 99;
print $answer // '';`

async function answer(...question: Parameters<typeof ask>): Promise<string> {
  return (await run('perl', ['-e', ask(...question)])).stdout.trim()
}

async function answerTo(uid: string, ...question: Parameters<typeof ask>): Promise<string> {
  const request = { uid, container: 'main', command: ['perl', '-e', ask(...question)], timeoutMs: 5000 }
  return (await execIn(agent.runtime, request)).output.trim()
}

async function speaking(name: string, ports: ContainerPort[], more: Partial<Container> = {}): Promise<string> {
  const uid = node.createPod(name, { command: ['perl', '-e', speaker], ports, ...more })
  await node.untilRunning(name)
  await expect.poll(() => answer('tcp', node.pod(name)?.status?.podIP ?? '', 53)).toContain(name)
  return uid
}

const port = (protocol: string, hostIP?: string): ContainerPort => ({
  containerPort: 53,
  hostPort: 5300,
  protocol,
  ...(hostIP && { hostIP }),
})

describe('a host port', () => {
  test('of an address and a protocol is of no other', async () => {
    await speaking('local', [port('TCP', '127.0.0.1')])
    await speaking('node', [port('TCP', nodeIP)])
    await speaking('udp', [port('UDP', nodeIP)])
    expect(await answer('tcp', '127.0.0.1', 5300)).toMatch(/^local /)
    expect(await answer('tcp', '127.0.0.1', 5300, nodeIP), 'from the node itself').toBe(`local ${nodeIP}`)
    expect(await answer('tcp', nodeIP, 5300)).toBe(`node ${nodeIP}`)
    expect(await answer('udp', nodeIP, 5300)).toBe(`udp ${nodeIP}`)
    expect(await answer('udp', '127.0.0.1', 5300)).toBe('')
    expect(await answer('tcp', otherIP, 5300)).toBe('')
    await Promise.all(['local', 'node', 'udp'].map((name) => node.deletePod(name)))
  })

  test('leads there in both families; who asked is told', async () => {
    const uid = await speaking('both', [port('TCP'), port('UDP'), port('SCTP')])
    const asking = await speaking('asking', [])
    const [ip = '', ip6 = ''] = node.pod('asking')?.status?.podIPs?.map((one) => one.ip) ?? []
    for (const protocol of ['tcp', 'udp'] as const) {
      expect(await answer(protocol, '127.0.0.1', 5300), protocol).toMatch(/^both /)
      expect(await answer(protocol, nodeIP6, 5300), protocol).toBe(`both ${nodeIP6}`)
      expect(await answerTo(asking, protocol, nodeIP, 5300), protocol).toBe(`both ${ip}`)
      expect(await answerTo(asking, protocol, nodeIP6, 5300), protocol).toBe(`both ${ip6}`)
      expect(await answerTo(uid, protocol, nodeIP, 5300), `${protocol} to itself`).toMatch(/^both /)
      expect(await answerTo(uid, protocol, nodeIP6, 5300), `${protocol} to itself`).toMatch(/^both /)
    }
    await Promise.all([node.deletePod('both'), node.deletePod('asking')])
  })

  test('of UDP goes to the next pod, also for who has been sending all the time', async () => {
    await speaking('first', [port('UDP')])
    const script = `
use IO::Socket::IP;
$| = 1;
my $s = IO::Socket::IP->new(Proto => 'udp', LocalPort => 5999, PeerHost => '${nodeIP}', PeerPort => 5300);
for (1 .. 500) {
  select undef, undef, undef, 0.02;
  $s->send('?');
  vec(my $read = '', fileno($s), 1) = 1;
  if (select($read, undef, undef, 0.02)) { sysread $s, my $text, 99; if (($text // '') =~ /^second/) { print 'second'; exit } }
}`
    const sending = run('perl', ['-e', script])
    await node.deletePod('first')
    await speaking('second', [port('UDP')])
    expect((await sending).stdout).toBe('second')
    await node.deletePod('second')
  })

  test('comes back when somebody deletes the rules', async () => {
    await speaking('kept', [port('TCP')])
    await runOk('nft', ['flush', 'chain', 'inet', 'fairway-host-ports', 'ports'])
    await expect.poll(() => answer('tcp', nodeIP, 5300), { timeout: 15_000 }).toMatch(/^kept /)
    await node.deletePod('kept')
  })
})

describe("the node's own loopback", () => {
  let server: Server
  beforeAll(async () => {
    server = createServer((socket) => socket.end('secret'))
    await new Promise<void>((resolve) => server.listen(7777, '127.0.0.1', resolve))
  })
  afterAll(() => server.close())

  test('is out of reach for pods that have ports', async () => {
    const uid = await speaking('bold', [port('TCP')], { securityContext: { privileged: true } })
    const script =
      'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip address delete 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via 169.254.1.1 dev eth0 onlink'
    expect(await agent.output(uid, script)).toBe('')
    expect(await answer('tcp', '127.0.0.1', 7777)).toBe('secret')
    expect(await answerTo(uid, 'tcp', '127.0.0.1', 7777)).toBe('')
    await node.deletePod('bold')
  })
})
