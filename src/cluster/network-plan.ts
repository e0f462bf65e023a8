/**
 * The networks of a cluster as texts for `ip -batch`, sysctl files and `nft -f`. Pure.
 *
 *   host .2 ── veth fw-NAME ── host0 [switch namespace: br0 .1] node-1 ── veth ── eth0 .11 [node namespace]
 *
 * Nothing uncaught leaves: the service and pod ranges end in `unreachable` routes at the switch and on the host. A
 * node has none for services: its own packets are routed before nat OUTPUT sees them, so it must have a way (its
 * default route to the switch).
 */
import type { Layout, NodeLayout } from './settings.ts'

/** What is done inside one network namespace. */
export interface NamespaceSetup {
  readonly namespace: string
  /** Files below /proc/sys/net; one that the kernel does not have is passed over. */
  readonly sysctls: readonly string[]
  /** Lines for `ip -batch`. */
  readonly batch: readonly string[]
}

/**
 * The two ends of a cable must not have the same index by chance, as first devices of two namespaces would: Linux takes
 * such a veth for an ordinary device, and may let it wait a second for its carrier. So the switch's ends have indexes
 * of their own, and the host's cable is made in one namespace and moved. A node's eth0 keeps 2, which is what makes
 * the ends of its pods' cables differ.
 */
const switchIndexes = 10_001

export function hostBatch(layout: Layout, nodes: readonly NodeLayout[]): string[] {
  const { switchNamespace, hostDevice } = layout
  return [
    `netns add ${switchNamespace}`,
    `link add ${hostDevice} type veth peer name ${hostDevice.replace('fw-', 'fwp')}`,
    `link set ${hostDevice.replace('fw-', 'fwp')} netns ${switchNamespace} name host0`,
    ...addresses(layout, layout.hostIps, hostDevice),
    `link set ${hostDevice} up`,
    ...unreachable(layout),
    ...nodes.flatMap((node) => nodeCable(layout, node)),
  ]
}

/** A node's namespace and its cable into the switch, to be made in the host's namespace. */
export function nodeCable({ switchNamespace }: Layout, { name, namespace, number }: NodeLayout): string[] {
  return [
    `netns add ${namespace}`,
    `link add ${name} index ${switchIndexes + number} netns ${switchNamespace} type veth ` +
      `peer name eth0 address ${linkAddress(number)} netns ${namespace}`,
  ]
}

/** A node that was off has the address it had: its neighbours remember it. Locally administered. */
function linkAddress(number: number): string {
  return `02:fa:17:00:${hexByte(number >> 8)}:${hexByte(number & 255)}`
}

/** A bridge without one takes the lowest of its ports', and so another whenever a node goes or comes. */
const bridgeAddress = '02:fa:17:01:00:00'

const hexByte = (value: number) => value.toString(16).padStart(2, '0')

/** Our end of an address pair. Duplicate address detection would hold an IPv6 address back for a second. */
function addresses(layout: Layout, ips: readonly string[], device: string): string[] {
  return ips.map((ip, i) => {
    const nodad = ip.includes(':') ? ' nodad' : ''
    return `addr add ${ip}/${prefixOf(layout.nodeCidrs[i] ?? '')} dev ${device}${nodad}`
  })
}

function unreachable({ serviceCidrs, podCidrs }: Layout): string[] {
  return [...serviceCidrs, ...podCidrs].map((range) => `route add unreachable ${range}`)
}

/**
 * Every packet of a node passes here twice at most; redirects would only teach nodes what they must not know. Errors
 * that a destination is unreachable are not rationed to some a second for each peer, as Linux does by default: that is
 * how Services without endpoints refuse, and whoever is told nothing waits (a resolver 5 s) instead of trying again.
 */
const forwarding4 = [
  'ipv4/ip_forward=1',
  'ipv4/conf/all/rp_filter=0',
  'ipv4/conf/default/rp_filter=0',
  'ipv4/conf/all/send_redirects=0',
  'ipv4/conf/default/send_redirects=0',
  // All that are rationed by default but type 3.
  'ipv4/icmp_ratemask=6160',
  'bridge/bridge-nf-call-iptables=0',
  'bridge/bridge-nf-call-ip6tables=0',
]
const forwarding6 = [
  'ipv6/conf/all/disable_ipv6=0',
  'ipv6/conf/default/disable_ipv6=0',
  'ipv6/conf/all/accept_ra=0',
  'ipv6/conf/default/accept_ra=0',
  'ipv6/conf/all/accept_dad=0',
  'ipv6/conf/default/accept_dad=0',
  'ipv6/conf/all/forwarding=1',
  // All that are rationed by default but type 1.
  'ipv6/icmp/ratemask=0,3-127',
]

function forwarding({ nodeCidrs }: Layout): string[] {
  return nodeCidrs.some((range) => range.includes(':')) ? [...forwarding4, ...forwarding6] : forwarding4
}

export function switchSetup(layout: Layout, nodes: readonly NodeLayout[], egress: boolean): NamespaceSetup {
  const via = layout.hostIps.find((ip) => !ip.includes(':'))
  return {
    namespace: layout.switchNamespace,
    sysctls: forwarding(layout),
    batch: [
      'link set lo up',
      `link add br0 address ${bridgeAddress} type bridge`,
      'link set host0 master br0 up',
      ...nodes.map(plugIn),
      ...addresses(layout, layout.switchIps, 'br0'),
      'link set br0 up',
      ...unreachable(layout),
      ...(egress && via ? [`route add default via ${via}`] : []),
    ],
  }
}

/** In the switch: the node's cable joins the bridge. */
export function plugIn({ name }: Pick<NodeLayout, 'name'>): string {
  return `link set ${name} master br0 up`
}

/** Routes to the pods of other nodes are the agent's (src/node/routes), as those of the switch are the control plane's. */
export function nodeSetup(layout: Layout, node: NodeLayout): NamespaceSetup {
  return {
    namespace: node.namespace,
    sysctls: forwarding(layout),
    batch: [
      'link set lo up',
      ...addresses(layout, node.ips, 'eth0'),
      'link set eth0 up',
      ...layout.switchIps.map((ip) => `route add default via ${ip}`),
    ],
  }
}

/** A host on the nodes' network that is no part of the cluster: it has a way to nodes, and to nothing else. */
export const outside = { name: 'outside', number: 0 } as const

export function outsideNamespace({ switchNamespace }: Layout): string {
  return `${switchNamespace}-${outside.name}`
}

export function outsideSetup(layout: Layout): { readonly cable: string[]; readonly setup: NamespaceSetup } {
  const namespace = outsideNamespace(layout)
  const node = { ...outside, namespace, ips: layout.outsideIps, dir: '', labels: {} }
  const batch = ['link set lo up', ...addresses(layout, layout.outsideIps, 'eth0'), 'link set eth0 up']
  return { cable: nodeCable(layout, node), setup: { namespace, sysctls: [], batch } }
}

/** Fairway's table on the host: what comes from the nodes goes out under the host's own address. */
export function hostEgressRules(layout: Layout): string {
  return masquerade(
    egressTable(layout),
    `ip saddr ${ipv4(layout.nodeCidrs)} oifname != "${layout.hostDevice}" masquerade`,
  )
}

/** In the switch: pods leave under the switch's address, so that the host needs no route to them. */
export function switchEgressRules({ nodeCidrs, podCidrs }: Layout): string {
  const pods = ipv4(podCidrs)
  return masquerade('fairway', `ip saddr ${pods} ip daddr != { ${ipv4(nodeCidrs)}, ${pods} } masquerade`)
}

function ipv4(ranges: readonly string[]): string {
  return ranges.find((range) => !range.includes(':')) ?? ''
}

export function egressTable({ config }: Layout): string {
  return `fairway-${config.name}`
}

function masquerade(table: string, rule: string): string {
  const chain = `type nat hook postrouting priority srcnat; policy accept;\n    ${rule}`
  return `table ip ${table} {\n  chain postrouting {\n    ${chain}\n  }\n}\n`
}

/** For `ip -force -batch`: each line may find its object gone already. */
export function teardownBatch(layout: Layout, namespaces: readonly string[]): string[] {
  return [
    `link del ${layout.hostDevice}`,
    ...[...layout.serviceCidrs, ...layout.podCidrs].map((range) => `route del unreachable ${range}`),
    ...namespaces.map((name) => `netns del ${name}`),
  ]
}

/** True for the namespaces of this cluster: switch, nodes, their pods, outside (not those of a cluster called `NAME-x`). */
export function isClusterNamespace(layout: Layout, namespace: string): boolean {
  const rest = namespace.startsWith(layout.switchNamespace) ? namespace.slice(layout.switchNamespace.length) : undefined
  return rest === '' || (rest !== undefined && /^-(node-\d+(-.*)?|outside)$/.test(rest))
}

function prefixOf(cidr: string): string {
  return cidr.slice(cidr.indexOf('/') + 1)
}
