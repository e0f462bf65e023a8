/**
 * Two nodes with pods, made of network namespaces: pods on routed veths as on a Fairway node, both nodes and a host
 * outside on one link, both address families. Only inside `scripts/sandbox`, so that no packet can leave.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Exec, run, runOk } from '../../lib/exec.ts'

/** Place → its addresses by family. */
export const addresses = {
  'node-1': { 4: '172.30.9.2', 6: 'fd00:30:9::2' },
  'node-2': { 4: '172.30.9.3', 6: 'fd00:30:9::3' },
  outside: { 4: '172.30.9.9', 6: 'fd00:30:9::9' },
  'pod-1': { 4: '10.244.1.11', 6: 'fd00:244:1::11' },
  'pod-2': { 4: '10.244.1.12', 6: 'fd00:244:1::12' },
  'pod-3': { 4: '10.244.2.13', 6: 'fd00:244:2::13' },
} as const

export type Place = keyof typeof addresses

export const nodes = ['node-1', 'node-2'] as const
export type NodeName = (typeof nodes)[number]

/** Which node each pod is on. */
export const pods = { 'pod-1': 'node-1', 'pod-2': 'node-1', 'pod-3': 'node-2' } as const
type PodName = keyof typeof pods
const podNames = Object.keys(pods) as PodName[]

export const podCidr = { 4: '10.244.0.0/16', 6: 'fd00:244::/32' } as const

export interface Answer {
  readonly pod?: string
  /** The source address the pod saw. */
  readonly client?: string
  /** ECONNREFUSED, TIMEOUT, EHOSTUNREACH … */
  readonly error?: string
}

export interface Target {
  readonly protocol: 'tcp' | 'udp'
  readonly ip: string
  readonly port: number
}

export interface TestNode {
  readonly name: NodeName
  /** Runs commands on the node. */
  readonly exec: Exec
  /** The same as words, for what spawns by itself. */
  readonly prefix: readonly string[]
}

const namespaceOf = (place: Place) => `fwpt-${place}`
const inside = (place: Place) => ['ip', 'netns', 'exec', namespaceOf(place)]
const bridge = 'fwpt0'
const gateway = { 4: '169.254.1.1', 6: 'fe80::1' }

/** What only leads to Services: routed to node-1 by the host outside. */
const serviceRanges = ['10.96.0.0/12', '192.0.2.0/24', '198.51.100.0/24', 'fd00:96::/112', '2001:db8::/64']

export class TestNetwork {
  readonly #servers: ChildProcess[] = []

  static async make(): Promise<TestNetwork> {
    if (!process.env['FAIRWAY_SANDBOX']) throw new Error('packet tests run inside scripts/sandbox only')
    const network = new TestNetwork()
    await runOk('bash', ['-ec', commands().join('\n')])
    await Promise.all(podNames.map((pod) => network.#serve(pod)))
    return network
  }

  node(name: NodeName): TestNode {
    const prefix = inside(name)
    const [ip = '', ...words] = prefix
    return { name, prefix, exec: (command, args, options) => run(ip, [...words, command, ...args], options) }
  }

  async send(from: Place, to: Target, { count = 1, sourcePort }: { count?: number; sourcePort?: number } = {}) {
    const args = [to.protocol, to.ip, String(to.port), String(count), ...(sourcePort ? [String(sourcePort)] : [])]
    const client = join(import.meta.dirname, 'client.mjs')
    const [ip = '', ...words] = inside(from)
    return JSON.parse(await runOk(ip, [...words, process.execPath, client, ...args])) as Answer[]
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
    for (const place of Object.keys(addresses) as Place[]) await run('ip', ['netns', 'delete', namespaceOf(place)])
    await run('ip', ['link', 'delete', bridge])
  }

  async #serve(pod: PodName): Promise<void> {
    const [ip = '', ...words] = inside(pod)
    const server = spawn(ip, [...words, process.execPath, join(import.meta.dirname, 'server.mjs'), pod], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#servers.push(server)
    await once(server.stdout, 'data')
  }
}

function commands(): string[] {
  return [
    `ip link add ${bridge} type bridge`,
    `ip link set ${bridge} up`,
    ...(Object.keys(addresses) as Place[]).flatMap((place) => [
      `ip netns add ${namespaceOf(place)}`,
      `ip -n ${namespaceOf(place)} link set lo up`,
    ]),
    ...([...nodes, 'outside'] as const).flatMap(uplink),
    ...nodes.flatMap(nodeSettings),
    ...podNames.flatMap(podLink),
    ...podNames.flatMap(podRoutes),
    ...serviceRanges.map((range) => {
      const via = addresses['node-1'][range.includes(':') ? 6 : 4]
      return `ip -n ${namespaceOf('outside')} route add ${range} via ${via} dev eth0`
    }),
  ]
}

function uplink(place: NodeName | 'outside'): string[] {
  const ns = namespaceOf(place)
  return [
    `ip link add up-${place} type veth peer name eth0 netns ${ns}`,
    `ip link set up-${place} master ${bridge} up`,
    `ip -n ${ns} addr add ${addresses[place][4]}/24 dev eth0`,
    `ip -n ${ns} addr add ${addresses[place][6]}/64 dev eth0 nodad`,
    `ip -n ${ns} link set eth0 up`,
  ]
}

function nodeSettings(node: NodeName): string[] {
  const ns = namespaceOf(node)
  const { outside } = addresses
  // The kernel sends one host six ICMP errors and then one a second; tests send more rejected packets than that.
  const sysctls = [
    'net.ipv4.ip_forward=1',
    'net.ipv6.conf.all.forwarding=1',
    'net.ipv4.icmp_ratelimit=0',
    'net.ipv6.icmp.ratelimit=0',
  ]
  return [
    `ip netns exec ${ns} sysctl -qw ${sysctls.join(' ')}`,
    `ip -n ${ns} route add default via ${outside[4]} dev eth0`,
    `ip -n ${ns} -6 route add default via ${outside[6]} dev eth0`,
  ]
}

function podLink(pod: PodName): string[] {
  const node = namespaceOf(pods[pod])
  const ns = namespaceOf(pod)
  const veth = `v${pod}`
  const own = addresses[pod]
  return [
    `ip -n ${node} link add ${veth} type veth peer name eth0 netns ${ns}`,
    `ip -n ${node} link set ${veth} up`,
    `ip -n ${node} addr add ${gateway[6]}/64 dev ${veth} nodad`,
    `ip -n ${node} route add ${own[4]}/32 dev ${veth}`,
    `ip -n ${node} -6 route add ${own[6]}/128 dev ${veth}`,
    `ip netns exec ${node} sysctl -qw net.ipv4.conf.${veth}.proxy_arp=1`,
    `ip -n ${ns} addr add ${own[4]}/32 dev eth0`,
    `ip -n ${ns} addr add ${own[6]}/128 dev eth0 nodad`,
    `ip -n ${ns} link set eth0 up`,
    `ip -n ${ns} route add default via ${gateway[4]} dev eth0 onlink`,
    `ip -n ${ns} -6 route add default via ${gateway[6]} dev eth0`,
    // The first lookup of a neighbour would cost a second of the kernel's patience.
    `mac=$(ip -n ${node} -o link show ${veth} | grep -o 'ether [0-9a-f:]*' | cut -d' ' -f2)`,
    `ip -n ${ns} neigh add ${gateway[4]} dev eth0 lladdr $mac`,
    `ip -n ${ns} neigh add ${gateway[6]} dev eth0 lladdr $mac`,
  ]
}

/** Other machines on the link reach a pod by its node. */
function podRoutes(pod: PodName): string[] {
  const others = ([...nodes, 'outside'] as const).filter((place) => place !== pods[pod])
  return others.flatMap((place) =>
    ([4, 6] as const).map(
      (family) =>
        `ip -n ${namespaceOf(place)} route add ${addresses[pod][family]}/${family === 4 ? 32 : 128} via ${addresses[pods[pod]][family]} dev eth0`,
    ),
  )
}
