/**
 * One port's plan as iptables rules: the chains it owns and its lines in the chains that all ports share. Rules are
 * spelled as `iptables-save` prints them, without `-A CHAIN`. Pure.
 */
import { contains, parseCidr, parseIp } from '../../../lib/ip.ts'
import { type Backend, backendAddress, externallyAccessible, hostCidr, type PortPlan } from '../../plan/types.ts'
import { endpointChain, type PortChains, portChains } from './names.ts'
import { type IptablesSettings, localhostNodePortsCounter } from './settings.ts'

export type Table = 'filter' | 'nat'

export interface SharedRule {
  readonly table: Table
  readonly chain: string
  readonly rule: string
}

export interface PortRules {
  /** Chain name (table nat) to its rules, in order. */
  readonly chains: ReadonlyMap<string, readonly string[]>
  readonly shared: readonly SharedRule[]
}

export function renderPort(plan: PortPlan, settings: IptablesSettings): PortRules {
  const names = portChains(plan)
  const chains = new Map<string, string[]>()
  if (hasInternal(plan)) masqueradeInternal(chains, plan, names, settings)
  if (usesExternalChain(plan)) externalChain(chains, plan, names, settings)
  if (usesFirewall(plan)) firewallChain(chains, plan, names, settings)
  if (plan.cluster.length > 0) balance(chains, names.cluster, plan, plan.cluster, settings)
  if (plan.local.length > 0) balance(chains, names.local, plan, plan.local, settings)
  for (const backend of [...plan.cluster, ...plan.local]) endpoint(chains, plan, backend, settings)
  return { chains, shared: [...internalShared(plan, names), ...externalShared(plan, names, settings)] }
}

const comment = (text: string) => `-m comment --comment "${text}"`

/** With the space that parts it from what follows. */
const endpointComment = (text: string, { largeCluster }: IptablesSettings) => (largeCluster ? '' : `${comment(text)} `)

const hasInternal = (plan: PortPlan) => plan.internal === 'cluster' || plan.internal === 'local'
const hasExternal = (plan: PortPlan) => plan.external === 'cluster' || plan.external === 'local'
const usesExternalChain = (plan: PortPlan) => externallyAccessible(plan) && plan.external !== 'reject'
const usesFirewall = (plan: PortPlan) =>
  plan.external !== 'reject' && plan.loadBalancerIps.length > 0 && plan.sourceRanges.length > 0

function internalChain(plan: PortPlan, names: PortChains): string {
  return plan.internal === 'local' ? names.local : names.cluster
}

/** `-d 10.96.0.1/32 -p tcp -m comment --comment "…" -m tcp --dport 80`. */
function match(plan: PortPlan, ip: string, port: number, text: string): string {
  return `-d ${hostCidr(ip)} -p ${plan.protocol} ${comment(text)} -m ${plan.protocol} --dport ${port}`
}

function append(chains: Map<string, string[]>, chain: string, ...rules: string[]): void {
  const existing = chains.get(chain)
  if (existing) existing.push(...rules)
  else chains.set(chain, rules)
}

function masqueradeInternal(
  chains: Map<string, string[]>,
  plan: PortPlan,
  names: PortChains,
  { masqueradeAll, localDetector }: IptablesSettings,
): void {
  const target = `${match(plan, plan.clusterIp, plan.port, `${plan.id} cluster IP`)} -j KUBE-MARK-MASQ`
  const chain = internalChain(plan, names)
  if (masqueradeAll) append(chains, chain, target)
  else if (localDetector) append(chains, chain, `${localDetector.notLocal} ${target}`)
}

function externalChain(
  chains: Map<string, string[]>,
  plan: PortPlan,
  names: PortChains,
  { localDetector }: IptablesSettings,
): void {
  const chain = names.external
  const what = `for ${plan.id} external destinations`
  if (!plan.externalLocal) append(chains, chain, `${comment(`masquerade traffic ${what}`)} -j KUBE-MARK-MASQ`)
  else {
    // Pods and the node itself need not come in from outside: they use all endpoints.
    if (localDetector)
      append(chains, chain, `${localDetector.local} ${comment(`pod traffic ${what}`)} -j ${names.cluster}`)
    const fromNode = '-m addrtype --src-type LOCAL'
    append(chains, chain, `${comment(`masquerade LOCAL traffic ${what}`)} ${fromNode} -j KUBE-MARK-MASQ`)
    append(chains, chain, `${comment(`route LOCAL traffic ${what}`)} ${fromNode} -j ${names.cluster}`)
  }
  if (hasExternal(plan)) append(chains, chain, `-j ${plan.externalLocal ? names.local : names.cluster}`)
}

function firewallChain(
  chains: Map<string, string[]>,
  plan: PortPlan,
  names: PortChains,
  { nodeIp }: IptablesSettings,
): void {
  const text = comment(`${plan.id} loadbalancer IP`)
  const node = parseIp(nodeIp)
  const target = ` -j ${names.external}`
  for (const range of plan.sourceRanges) append(chains, names.firewall, `-s ${range} ${text}${target}`)
  const includesNode = plan.sourceRanges.some((range) => {
    const cidr = parseCidr(range)
    return cidr && node && contains(cidr, node)
  })
  // A node that holds the address itself sends with it as source.
  if (includesNode)
    for (const ip of plan.loadBalancerIps) append(chains, names.firewall, `-s ${hostCidr(ip)} ${text}${target}`)
  append(chains, names.firewall, comment(`other traffic to ${plan.id} will be dropped by KUBE-PROXY-FIREWALL`))
}

function balance(
  chains: Map<string, string[]>,
  chain: string,
  plan: PortPlan,
  backends: readonly Backend[],
  settings: IptablesSettings,
): void {
  const to = (backend: Backend) => endpointComment(`${plan.id} -> ${backendAddress(backend)}`, settings)
  if (plan.affinitySeconds > 0) {
    for (const backend of backends) {
      const sep = endpointChain(plan, backend)
      const seen = `-m recent --rcheck --seconds ${plan.affinitySeconds} --reap ${recentList(sep, plan)}`
      append(chains, chain, `${to(backend)}${seen} -j ${sep}`)
    }
  }
  backends.forEach((backend, i) => {
    const left = backends.length - i
    const chance = left > 1 ? `-m statistic --mode random --probability ${probability(left)} ` : ''
    append(chains, chain, `${to(backend)}${chance}-j ${endpointChain(plan, backend)}`)
  })
}

/** One in `n`, in the kernel's 31-bit steps, as iptables-save prints it. */
function probability(n: number): string {
  return (Math.round(2 ** 31 / n) / 2 ** 31).toFixed(11)
}

function recentList(name: string, plan: PortPlan): string {
  const mask = plan.family === 4 ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
  return `--name ${name} --mask ${mask} --rsource`
}

function endpoint(chains: Map<string, string[]>, plan: PortPlan, backend: Backend, settings: IptablesSettings): void {
  const chain = endpointChain(plan, backend)
  if (chains.has(chain)) return
  const text = endpointComment(plan.id, settings)
  const { protocol } = plan
  const remember = plan.affinitySeconds > 0 ? `-m recent --set ${recentList(chain, plan)} ` : ''
  append(
    chains,
    chain,
    // Hairpin: a pod that reaches itself must see another source, or it would answer itself directly.
    `-s ${hostCidr(backend.ip)} ${text}-j KUBE-MARK-MASQ`,
    `-p ${protocol} ${text}${remember}-m ${protocol} -j DNAT --to-destination ${backendAddress(backend)}`,
  )
}

/** Target and reason of packets that no endpoint may have. */
function refusal(plan: PortPlan, verdict: PortPlan['internal']): { text: string; target: string } {
  if (verdict === 'drop') return { text: `${plan.id} has no local endpoints`, target: 'DROP' }
  const type = plan.family === 4 ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'
  return { text: `${plan.id} has no endpoints`, target: `REJECT --reject-with ${type}` }
}

function internalShared(plan: PortPlan, names: PortChains): SharedRule[] {
  if (hasInternal(plan)) {
    const rule = `${match(plan, plan.clusterIp, plan.port, `${plan.id} cluster IP`)} -j ${internalChain(plan, names)}`
    return [{ table: 'nat', chain: 'KUBE-SERVICES', rule }]
  }
  const { text, target } = refusal(plan, plan.internal)
  const rule = `${match(plan, plan.clusterIp, plan.port, text)} -j ${target}`
  return [{ table: 'filter', chain: 'KUBE-SERVICES', rule }]
}

function externalShared(plan: PortPlan, names: PortChains, settings: IptablesSettings): SharedRule[] {
  const rules: SharedRule[] = []
  const { id, protocol, nodePort } = plan
  const nat = (chain: string, rule: string) => rules.push({ table: 'nat', chain, rule })
  const filter = (chain: string, rule: string) => rules.push({ table: 'filter', chain, rule })
  if (usesExternalChain(plan)) {
    for (const ip of plan.externalIps)
      nat('KUBE-SERVICES', `${match(plan, ip, plan.port, `${id} external IP`)} -j ${names.external}`)
    const balancer = usesFirewall(plan) ? names.firewall : names.external
    for (const ip of plan.loadBalancerIps)
      nat('KUBE-SERVICES', `${match(plan, ip, plan.port, `${id} loadbalancer IP`)} -j ${balancer}`)
    if (nodePort) for (const rule of nodePortRules(plan, names, settings)) nat('KUBE-NODEPORTS', rule)
  }
  if (usesFirewall(plan)) {
    const text = `${id} traffic not accepted by ${names.firewall}`
    for (const ip of plan.loadBalancerIps) filter('KUBE-PROXY-FIREWALL', `${match(plan, ip, plan.port, text)} -j DROP`)
  }
  if (externallyAccessible(plan) && !hasExternal(plan)) {
    const { text, target } = refusal(plan, plan.external)
    for (const ip of [...plan.externalIps, ...plan.loadBalancerIps])
      filter('KUBE-EXTERNAL-SERVICES', `${match(plan, ip, plan.port, text)} -j ${target}`)
    if (nodePort) {
      const here = `-p ${protocol} ${comment(text)} -m addrtype --dst-type LOCAL -m ${protocol} --dport ${nodePort}`
      filter('KUBE-EXTERNAL-SERVICES', `${here} -j ${target}`)
    }
  }
  if (plan.healthCheckNodePort) {
    const text = comment(`${id} health check node port`)
    filter('KUBE-NODEPORTS', `-p tcp ${text} -m tcp --dport ${plan.healthCheckNodePort} -j ACCEPT`)
  }
  return rules
}

function nodePortRules(plan: PortPlan, names: PortChains, settings: IptablesSettings): string[] {
  const { protocol, nodePort, family } = plan
  const arrival = `-p ${protocol} ${comment(plan.id)} -m ${protocol} --dport ${nodePort}`
  const rules = [`${arrival} -j ${names.external}`]
  if (family === 4 && settings.localhostNodePorts && settings.counters.has(localhostNodePortsCounter)) {
    const counted = `-m nfacct --nfacct-name  ${localhostNodePortsCounter}`
    rules.unshift(`-d 127.0.0.0/8 ${arrival} ${counted} -j ${names.external}`)
  }
  return rules
}
