/**
 * A pod's network: a veth pair routed as a /32, no bridge. What goes in are names and addresses, what comes out is
 * text for `ip -batch`.
 *
 *   node: 10.244.0.5 dev vethX ── vethX │ eth0 10.244.0.5/32 :pod
 *                                        default via 169.254.1.1, whose link address is fixed
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { Exec } from '../../lib/exec.ts'
import { RuntimeError } from './contract.ts'

const gateway = '169.254.1.1'
/** Every pod's gateway has this link address, so that no ARP is needed for it; locally administered. */
const gatewayMac = 'ee:ee:ee:ee:ee:ee'

export interface PodLink {
  /** Name of the network namespace. */
  readonly netns: string
  readonly ip: string
  readonly nodeIP: string
}

/** Interface names have at most 15 characters. */
export function vethName(netns: string): string {
  return `veth${createHash('sha256').update(netns).digest('hex').slice(0, 8)}`
}

export function nodeBatch({ netns, ip, nodeIP }: PodLink): string {
  const veth = vethName(netns)
  return [
    `link add ${veth} address ${gatewayMac} type veth peer name eth0 netns ${netns}`,
    `link set ${veth} up`,
    `route replace ${ip}/32 dev ${veth} src ${nodeIP}`,
    '',
  ].join('\n')
}

export function podBatch({ ip }: PodLink): string {
  return [
    'link set lo up',
    `address add ${ip}/32 dev eth0`,
    'link set eth0 up',
    `neighbour replace ${gateway} lladdr ${gatewayMac} dev eth0 nud permanent`,
    `route replace default via ${gateway} dev eth0 onlink`,
    '',
  ].join('\n')
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
export async function prepareNode(exec: Exec, podCIDR: string): Promise<void> {
  const sysctl = podCIDR.includes(':') ? '/proc/sys/net/ipv6/conf/all/forwarding' : '/proc/sys/net/ipv4/ip_forward'
  writeFileSync(sysctl, '1')
  await batch(exec, [], `route replace unreachable ${podCIDR}\n`)
}
