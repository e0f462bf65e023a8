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

export function hostBatch(layout: Layout): string[] {
  const { switchNamespace, hostDevice, hostIp, nodes, config } = layout
  return [
    `netns add ${switchNamespace}`,
    ...nodes.map((node) => `netns add ${node.namespace}`),
    `link add ${hostDevice} type veth peer name ${hostDevice.replace('fw-', 'fwp')}`,
    `link set ${hostDevice.replace('fw-', 'fwp')} netns ${switchNamespace} name host0`,
    `addr add ${hostIp}/${prefixOf(config.nodeCidr)} dev ${hostDevice}`,
    `link set ${hostDevice} up`,
    `route add unreachable ${config.serviceCidr}`,
    `route add unreachable ${config.podCidr}`,
    ...nodes.map(
      (node, i) =>
        `link add ${node.name} index ${switchIndexes + i} netns ${switchNamespace} type veth ` +
        `peer name eth0 netns ${node.namespace}`,
    ),
  ]
}

/** Every packet of a node passes here twice at most; redirects would only teach nodes what they must not know. */
const forwarding = [
  'ipv4/ip_forward=1',
  'ipv4/conf/all/rp_filter=0',
  'ipv4/conf/default/rp_filter=0',
  'ipv4/conf/all/send_redirects=0',
  'ipv4/conf/default/send_redirects=0',
  'bridge/bridge-nf-call-iptables=0',
  'bridge/bridge-nf-call-ip6tables=0',
]

export function switchSetup(layout: Layout, egress: boolean): NamespaceSetup {
  const { config, nodes, switchIp, hostIp } = layout
  return {
    namespace: layout.switchNamespace,
    sysctls: forwarding,
    batch: [
      'link set lo up',
      'link add br0 type bridge',
      'link set host0 master br0 up',
      ...nodes.map((node) => `link set ${node.name} master br0 up`),
      `addr add ${switchIp}/${prefixOf(config.nodeCidr)} dev br0`,
      'link set br0 up',
      `route add unreachable ${config.serviceCidr}`,
      `route add unreachable ${config.podCidr}`,
      ...nodes.map((node) => `route add ${node.podCidr} via ${node.ip}`),
      ...(egress ? [`route add default via ${hostIp}`] : []),
    ],
  }
}

export function nodeSetup(layout: Layout, node: NodeLayout): NamespaceSetup {
  return {
    namespace: node.namespace,
    sysctls: forwarding,
    batch: [
      'link set lo up',
      `addr add ${node.ip}/${prefixOf(layout.config.nodeCidr)} dev eth0`,
      'link set eth0 up',
      `route add default via ${layout.switchIp}`,
      ...layout.nodes
        .filter((other) => other !== node)
        .map((other) => `route add ${other.podCidr} via ${other.ip} dev eth0`),
    ],
  }
}

/** Fairway's table on the host: what comes from the nodes goes out under the host's own address. */
export function hostEgressRules(layout: Layout): string {
  return masquerade(
    egressTable(layout),
    `ip saddr ${layout.config.nodeCidr} oifname != "${layout.hostDevice}" masquerade`,
  )
}

/** In the switch: pods leave under the switch's address, so that the host needs no route to them. */
export function switchEgressRules({ config }: Layout): string {
  return masquerade(
    'fairway',
    `ip saddr ${config.podCidr} ip daddr != { ${config.nodeCidr}, ${config.podCidr} } masquerade`,
  )
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
    `route del unreachable ${layout.config.serviceCidr}`,
    `route del unreachable ${layout.config.podCidr}`,
    ...namespaces.map((name) => `netns del ${name}`),
  ]
}

/** True for the namespaces of this cluster: switch, nodes and their pods (not those of a cluster called `NAME-x`). */
export function isClusterNamespace(layout: Layout, namespace: string): boolean {
  const rest = namespace.startsWith(layout.switchNamespace) ? namespace.slice(layout.switchNamespace.length) : undefined
  return rest === '' || (rest !== undefined && /^-node-\d+(-.*)?$/.test(rest))
}

function prefixOf(cidr: string): string {
  return cidr.slice(cidr.indexOf('/') + 1)
}
