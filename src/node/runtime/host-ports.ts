/**
 * Host ports: rules of the node that lead its ports to pods, in a table of their own beside the proxy's (whose rules for
 * Services come first). What goes in is every pod that has some, what comes out is text for `nft -f`.
 */
import { writeFileSync } from 'node:fs'
import type { Exec } from '../../lib/exec.ts'
import { type HostPort, RuntimeError } from './contract.ts'
import { type Family, familyOf, vethName } from './network.ts'

export interface PodPorts {
  readonly netns: string
  readonly ips: readonly string[]
  readonly hostPorts: readonly HostPort[]
}

const table = 'inet fairway-host-ports'
const anywhere = ['', '0.0.0.0', '::']

const chains = {
  // One later than where the proxy translates: who connects to a node port of a Service gets the Service.
  prerouting: 'type nat hook prerouting priority dstnat + 1',
  output: 'type nat hook output priority -99',
  postrouting: 'type nat hook postrouting priority srcnat + 1',
  martians: 'type filter hook prerouting priority raw',
} as const

/**
 * The kernel lets packets of the node's loopback out to pods that have ports (route_localnet), and so would let pods
 * reach it, were it not for this (CVE-2020-8558).
 */
const martianRules = ['iifname != "lo" ip daddr 127.0.0.0/8 drop', 'iifname != "lo" ip saddr 127.0.0.0/8 drop']

/** How often it is seen to that the rules are still there. */
const auditMs = 5000

/** The whole table; without ports there is none. */
export function hostPortScript(pods: readonly PodPorts[]): string {
  const ports = pods.flatMap(portRules)
  if (ports.length === 0) return `add table ${table}\ndelete table ${table}\n`
  return [
    `add table ${table}`,
    `add chain ${table} ports`,
    ...Object.entries(chains).map(([name, base]) => `add chain ${table} ${name} { ${base}; }`),
    `flush table ${table}`,
    ...['prerouting', 'output'].map((chain) => `add rule ${table} ${chain} fib daddr type local jump ports`),
    ...ports.map((rule) => `add rule ${table} ports ${rule}`),
    ...martianRules.map((rule) => `add rule ${table} martians ${rule}`),
    ...pods.flatMap(returnRules).map((rule) => `add rule ${table} postrouting ${rule}`),
    '',
  ].join('\n')
}

function portRules({ ips, hostPorts }: PodPorts): string[] {
  return hostPorts.flatMap(({ protocol, hostPort, containerPort, hostIP = '' }) =>
    ips
      .filter((ip) => isWanted(ip, hostIP))
      .map((ip) => {
        const { name, at } = words(ip)
        const address = anywhere.includes(hostIP) ? '' : `${name} daddr ${hostIP} `
        const family = address === '' ? `meta nfproto ${familyOf(ip) === 6 ? 'ipv6' : 'ipv4'} ` : ''
        return `${family}${address}${protocol.toLowerCase()} dport ${hostPort} dnat ${name} to ${at(containerPort)}`
      }),
  )
}

function isWanted(ip: string, hostIP: string): boolean {
  return hostIP === '' || familyOf(hostIP) === familyOf(ip)
}

function words(ip: string): { name: string; at: (port: number) => string } {
  return familyOf(ip) === 6
    ? { name: 'ip6', at: (port) => `[${ip}]:${port}` }
    : { name: 'ip', at: (port) => `${ip}:${port}` }
}

/** Who would not get the answer otherwise: the pod that called itself, and the node's own loopback. */
function returnRules({ ips }: PodPorts): string[] {
  return ips.flatMap((ip) => {
    const { name } = words(ip)
    const hairpin = `${name} saddr ${ip} ${name} daddr ${ip} ct status dnat masquerade`
    return familyOf(ip) === 6 ? [hairpin] : [hairpin, `ip saddr 127.0.0.0/8 ip daddr ${ip} ct status dnat masquerade`]
  })
}

/** Of the script that makes the table, and of its listing. */
function rulesIn(text: string, form: 'script' | 'listing'): number {
  const pattern = form === 'script' ? /^add rule /gm : /^\t\t(?!type )\S/gm
  return text.match(pattern)?.length ?? 0
}

export class HostPorts {
  readonly #exec: Exec
  readonly #pods: () => readonly PodPorts[]
  #last: Promise<void> = Promise.resolve()
  /** Rules that must be there. */
  #expected = 0

  /** `pods`: those that have ports now, as the machine's records say. */
  constructor(exec: Exec, pods: () => readonly PodPorts[]) {
    this.#exec = exec
    this.#pods = pods
  }

  /** Makes the rules what the records say; one after the other, so that the last word is the newest. */
  sync(): Promise<void> {
    this.#last = this.#last.catch(() => {}).then(() => this.#apply())
    return this.#last
  }

  /** Puts back what others take away, until the signal aborts. Without ports there is nothing to look at. */
  watch(signal: AbortSignal): void {
    const timer = setInterval(() => {
      if (this.#expected > 0) void this.#audit()
    }, auditMs).unref()
    signal.addEventListener('abort', () => clearInterval(timer))
  }

  async #audit(): Promise<void> {
    await this.#last.catch(() => {})
    const expected = this.#expected
    const { stdout } = await this.#exec('nft', ['list', 'table', ...table.split(' ')])
    // Another pod may have come or gone meanwhile: then the rules are new.
    if (expected === this.#expected && rulesIn(stdout, 'listing') < expected) await this.sync().catch(() => {})
  }

  /** A pod with ports has its link: the rules, and what packets of the node's loopback need to get there. */
  async open({ netns, ips, hostPorts }: PodPorts): Promise<void> {
    if (ips.some((ip) => familyOf(ip) === 4)) {
      writeFileSync(`/proc/sys/net/ipv4/conf/${vethName(netns)}/route_localnet`, '1')
    }
    await this.sync()
    // Senders of UDP that went on while nobody listened are still led elsewhere.
    const families = new Set<Family>(ips.map(familyOf))
    for (const { hostPort } of hostPorts.filter(({ protocol }) => protocol === 'UDP')) {
      for (const family of families) {
        await this.#exec('conntrack', ['-D', '-f', `ipv${family}`, '-p', 'udp', '--dport', String(hostPort)])
      }
    }
  }

  async #apply(): Promise<void> {
    const script = hostPortScript(this.#pods())
    this.#expected = rulesIn(script, 'script')
    const { code, stderr } = await this.#exec('nft', ['-f', '-'], { input: script })
    if (code !== 0) throw new RuntimeError('setup', `failed to set up host ports: ${stderr.trim()}`)
  }
}
