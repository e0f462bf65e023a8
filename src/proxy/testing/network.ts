/**
 * A node with pods, made of network namespaces: pods on routed /32 veths as on a Fairway node, and a host outside. Only
 * inside `scripts/sandbox`, so that no packet can leave.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Exec, run, runOk } from '../../lib/exec.ts'

export const addresses = {
  node: '172.30.9.2',
  outside: '172.30.9.9',
  'pod-1': '10.244.0.11',
  'pod-2': '10.244.0.12',
  'pod-3': '10.244.0.13',
} as const

export type Place = keyof typeof addresses

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

const prefix = 'fwpt'
const gateway = '169.254.1.1'
const pods = ['pod-1', 'pod-2', 'pod-3'] as const

const namespaceOf = (place: Place) => `${prefix}-${place}`

export class TestNetwork {
  readonly #servers: ChildProcess[] = []

  static async make(): Promise<TestNetwork> {
    if (!process.env['FAIRWAY_SANDBOX']) throw new Error('packet tests run inside scripts/sandbox only')
    const network = new TestNetwork()
    await network.#build()
    await Promise.all(pods.map((pod) => network.#serve(pod)))
    return network
  }

  /** Runs commands on the node. */
  readonly exec: Exec = (command, args, options) =>
    run('ip', ['netns', 'exec', namespaceOf('node'), command, ...args], options)

  /** The same as words, for what spawns by itself. */
  readonly nodePrefix: readonly string[] = ['ip', 'netns', 'exec', namespaceOf('node')]

  async send(from: Place, to: Target, { count = 1, sourcePort }: { count?: number; sourcePort?: number } = {}) {
    const args = [to.protocol, to.ip, String(to.port), String(count), ...(sourcePort ? [String(sourcePort)] : [])]
    const client = join(import.meta.dirname, 'client.mjs')
    const text = await runOk('ip', ['netns', 'exec', namespaceOf(from), process.execPath, client, ...args])
    return JSON.parse(text) as Answer[]
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
    for (const place of Object.keys(addresses) as Place[]) await run('ip', ['netns', 'delete', namespaceOf(place)])
  }

  async #build(): Promise<void> {
    const commands = [
      ...(Object.keys(addresses) as Place[]).flatMap((place) => [
        `ip netns add ${namespaceOf(place)}`,
        `ip -n ${namespaceOf(place)} link set lo up`,
      ]),
      ...pods.flatMap(podLink),
      ...outsideLink(),
      // The kernel sends one host six ICMP errors and then one a second; tests send more rejected packets than that.
      `ip netns exec ${namespaceOf('node')} sysctl -qw net.ipv4.icmp_ratelimit=0`,
    ]
    await runOk('bash', ['-ec', commands.join('\n')])
  }

  async #serve(pod: (typeof pods)[number]): Promise<void> {
    const script = join(import.meta.dirname, 'server.mjs')
    const command = ['netns', 'exec', namespaceOf(pod), process.execPath, script, pod]
    const server = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#servers.push(server)
    await once(server.stdout, 'data')
  }
}

function podLink(pod: (typeof pods)[number]): string[] {
  const node = namespaceOf('node')
  const inside = namespaceOf(pod)
  const veth = `v${pod}`
  return [
    `ip -n ${node} link add ${veth} type veth peer name eth0 netns ${inside}`,
    `ip -n ${node} link set ${veth} up`,
    `ip -n ${node} route add ${addresses[pod]}/32 dev ${veth}`,
    `ip netns exec ${node} sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.${veth}.proxy_arp=1`,
    `ip -n ${inside} addr add ${addresses[pod]}/32 dev eth0`,
    `ip -n ${inside} link set eth0 up`,
    `ip -n ${inside} route add default via ${gateway} dev eth0 onlink`,
    // The first lookup of a neighbour would cost a second of the kernel's patience.
    `ip -n ${inside} neigh add ${gateway} dev eth0 lladdr $(ip -n ${node} -o link show ${veth} | grep -o 'ether [0-9a-f:]*' | cut -d' ' -f2)`,
  ]
}

function outsideLink(): string[] {
  const node = namespaceOf('node')
  const outside = namespaceOf('outside')
  return [
    `ip -n ${node} link add uplink type veth peer name eth0 netns ${outside}`,
    `ip -n ${node} addr add ${addresses.node}/24 dev uplink`,
    `ip -n ${node} link set uplink up`,
    `ip -n ${node} route add default via ${addresses.outside} dev uplink onlink`,
    `ip -n ${outside} addr add ${addresses.outside}/24 dev eth0`,
    `ip -n ${outside} link set eth0 up`,
    `ip -n ${outside} route add 10.96.0.0/12 via ${addresses.node} onlink dev eth0`,
  ]
}
