/**
 * A pod's network: a veth pair routed as a /32 (or /128), no bridge. What goes in are names and addresses, what comes
 * out is text for `ip -batch`.
 *
 *   node: 10.244.0.5 dev vethX ── vethX │ eth0 10.244.0.5/32      :pod
 *         fd00::5    dev vethX          │      fd00::5/128
 *                                         default via 169.254.1.1, fe80::1
 *
 * Each end knows the other's link address for good, so that nothing waits for ARP or neighbour discovery.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { Exec } from '../../lib/exec.ts'
import { RuntimeError } from './contract.ts'

/** Every pod's gateway has this link address; locally administered, as are the pods'. */
const gatewayMac = 'ee:ee:ee:ee:ee:ee'

export type Family = 4 | 6

export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4
}

const families = {
  4: { gateway: '169.254.1.1', prefix: 32, add: '', via: ' onlink' },
  // Duplicate address detection would hold the address back for a second.
  6: { gateway: 'fe80::1', prefix: 128, add: ' nodad', via: '' },
} as const

export interface PodLink {
  /** Name of the network namespace. */
  readonly netns: string
  /** At most one of each family. */
  readonly ips: readonly string[]
  readonly nodeIPs: readonly string[]
}

function digest(netns: string): string {
  return createHash('sha256').update(netns).digest('hex')
}

/** Interface names have at most 15 characters. */
export function vethName(netns: string): string {
  return `veth${digest(netns).slice(0, 8)}`
}

export function podMac(netns: string): string {
  return ['0e', ...(digest(netns).slice(8, 18).match(/../g) ?? [])].join(':')
}

export function nodeBatch({ netns, ips, nodeIPs }: PodLink): string {
  const veth = vethName(netns)
  const mac = podMac(netns)
  const toPod = ips.flatMap((ip) => {
    const family = familyOf(ip)
    const own = nodeIPs.find((address) => familyOf(address) === family)
    return [
      // Where ICMPv6 errors of the node come from, and what answers a pod that asks for its gateway.
      ...(family === 6 ? [`address add ${families[6].gateway}/64 dev ${veth} nodad`] : []),
      `neighbour replace ${ip} lladdr ${mac} dev ${veth} nud permanent`,
      `route replace ${ip}/${families[family].prefix} dev ${veth}${own ? ` src ${own}` : ''}`,
    ]
  })
  return [
    `link add ${veth} address ${gatewayMac} type veth peer name eth0 address ${mac} netns ${netns}`,
    `link set ${veth} up`,
    ...toPod,
    '',
  ].join('\n')
}

export function podBatch({ ips }: PodLink): string {
  const kinds = ips.map((ip) => ({ ip, ...families[familyOf(ip)] }))
  return [
    'link set lo up',
    ...kinds.map(({ ip, prefix, add }) => `address add ${ip}/${prefix} dev eth0${add}`),
    'link set eth0 up',
    ...kinds.flatMap(({ gateway, via }) => [
      `neighbour replace ${gateway} lladdr ${gatewayMac} dev eth0 nud permanent`,
      `route replace default via ${gateway} dev eth0${via}`,
    ]),
    '',
  ].join('\n')
}

/** Kernel settings of a pod's network namespace, before it has an interface: file, value. */
export function podSysctls(ips: readonly string[]): [file: string, value: string][] {
  const ipv6 = [
    ['all/disable_ipv6', '0'],
    ['default/disable_ipv6', '0'],
    ['default/accept_dad', '0'],
    ['default/accept_ra', '0'],
  ] as const
  return [
    ['/proc/sys/net/ipv4/ip_unprivileged_port_start', '0'],
    ['/proc/sys/net/ipv4/ping_group_range', '0 2147483647'],
    ...(ips.some((ip) => familyOf(ip) === 6) ? ipv6 : []).map(([name, value]): [string, string] => [
      `/proc/sys/net/ipv6/conf/${name}`,
      value,
    ]),
  ]
}

async function batch(exec: Exec, args: readonly string[], input: string): Promise<void> {
  const { code, stderr } = await exec('ip', [...args, '-batch', '-'], { input })
  if (code !== 0) throw new RuntimeError('setup', `failed to set up pod network: ${stderr.trim()}`)
}

export async function connectPod(exec: Exec, link: PodLink): Promise<void> {
  await batch(exec, [], nodeBatch(link))
  await batch(exec, ['-n', link.netns], podBatch(link))
}

export async function disconnectPod(exec: Exec, netns: string): Promise<void> {
  // Absent is what is wanted.
  await exec('ip', ['link', 'delete', vethName(netns)])
}

/** What the node itself needs, once: forwarding, and an end for packets to pods that are gone. */
export async function prepareNode(exec: Exec, podCIDRs: readonly string[]): Promise<void> {
  for (const family of new Set(podCIDRs.map(familyOf))) {
    writeFileSync(`/proc/sys/net/${family === 4 ? 'ipv4/ip_forward' : 'ipv6/conf/all/forwarding'}`, '1')
  }
  await batch(exec, [], podCIDRs.map((cidr) => `route replace unreachable ${cidr}\n`).join(''))
}

const trackingTable = 'inet fairway-tracking'

/** No packet passes the chain: that it has the rule is enough, for both families. */
const trackingScript = [
  `add table ${trackingTable}`,
  `add chain ${trackingTable} tracked`,
  `flush chain ${trackingTable} tracked`,
  `add rule ${trackingTable} tracked ct state established`,
  '',
].join('\n')

/**
 * Turns on connection tracking, which is to be done before the first pod. Without it the kernel would begin with the
 * proxy's rules, and drop by them the FINs of pods' connections that are older, which it takes for INVALID. On other
 * nodes the kubelet's KUBE-FIREWALL is the first such rule. Without nft it stays off.
 */
export async function trackConnections(exec: Exec): Promise<void> {
  await exec('nft', ['-f', '-'], { input: trackingScript })
}
