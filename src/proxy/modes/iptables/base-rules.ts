/** The rules that are there whatever Services exist, and the jumps that lead into them. Pure. */

import { hostCidr } from '../../plan/types.ts'
import type { Table } from './port-rules.ts'
import { type IptablesSettings, invalidDroppedCounter, masqueradeMark } from './settings.ts'

export interface Jump {
  readonly table: Table
  /** A built-in chain. */
  readonly chain: string
  readonly rule: string
}

function jump(table: Table, chain: string, target: string, text: string, when: 'NEW' | 'always'): Jump {
  const state = when === 'NEW' ? '-m conntrack --ctstate NEW ' : ''
  return { table, chain, rule: `${state}-m comment --comment "${text}" -j ${target}` }
}

const external = 'kubernetes externally-visible service portals'
const portals = 'kubernetes service portals'
const firewall = 'kubernetes load balancer firewall'

/** In the order in which they stand in their chains, before all foreign rules. */
const jumps: readonly Jump[] = [
  jump('filter', 'INPUT', 'KUBE-PROXY-FIREWALL', firewall, 'NEW'),
  jump('filter', 'INPUT', 'KUBE-NODEPORTS', 'kubernetes health check service ports', 'always'),
  jump('filter', 'INPUT', 'KUBE-EXTERNAL-SERVICES', external, 'NEW'),
  jump('filter', 'FORWARD', 'KUBE-PROXY-FIREWALL', firewall, 'NEW'),
  jump('filter', 'FORWARD', 'KUBE-FORWARD', 'kubernetes forwarding rules', 'always'),
  jump('filter', 'FORWARD', 'KUBE-SERVICES', portals, 'NEW'),
  jump('filter', 'FORWARD', 'KUBE-EXTERNAL-SERVICES', external, 'NEW'),
  jump('filter', 'OUTPUT', 'KUBE-PROXY-FIREWALL', firewall, 'NEW'),
  jump('filter', 'OUTPUT', 'KUBE-SERVICES', portals, 'NEW'),
  jump('nat', 'PREROUTING', 'KUBE-SERVICES', portals, 'always'),
  jump('nat', 'OUTPUT', 'KUBE-SERVICES', portals, 'always'),
  jump('nat', 'POSTROUTING', 'KUBE-POSTROUTING', 'kubernetes postrouting rules', 'always'),
]

/**
 * route_localnet would let neighbours on the link reach what listens on 127.0.0.1 only (CVE-2020-8558): kubelet's chain
 * against it, made here, too, because there need not be a kubelet. It is not removed with the proxy's rules.
 */
export const localnetChain = 'KUBE-FIREWALL'

const localnetGuard = {
  rule: '! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
  jumps: ['INPUT', 'OUTPUT'].map((chain): Jump => ({ table: 'filter', chain, rule: `-j ${localnetChain}` })),
}

const guardsLocalnet = ({ family, localhostNodePorts }: IptablesSettings) => family === 4 && localhostNodePorts

/** By table, shared chain → its fixed rules. Those of nat KUBE-SERVICES follow all others in it. */
export interface BaseRules extends Readonly<Record<Table, Readonly<Record<string, readonly string[]>>>> {
  readonly jumps: readonly Jump[]
}

export function baseRules(settings: IptablesSettings): BaseRules {
  return {
    jumps: guardsLocalnet(settings) ? [...jumps, ...localnetGuard.jumps] : jumps,
    filter: {
      'KUBE-EXTERNAL-SERVICES': [],
      'KUBE-FORWARD': forwardRules(settings),
      'KUBE-NODEPORTS': [],
      'KUBE-PROXY-CANARY': [],
      'KUBE-PROXY-FIREWALL': [],
      'KUBE-SERVICES': [],
      ...(guardsLocalnet(settings) && { [localnetChain]: [localnetGuard.rule] }),
    },
    nat: {
      'KUBE-MARK-MASQ': [`-j MARK --set-xmark ${masqueradeMark(settings)}/${masqueradeMark(settings)}`],
      'KUBE-NODEPORTS': [],
      'KUBE-POSTROUTING': postroutingRules(settings),
      'KUBE-PROXY-CANARY': [],
      'KUBE-SERVICES': nodePortEntry(settings),
    },
  }
}

function forwardRules(settings: IptablesSettings): string[] {
  const mark = masqueradeMark(settings)
  const counted = settings.counters.has(invalidDroppedCounter)
    ? ` -m nfacct --nfacct-name  ${invalidDroppedCounter}`
    : ''
  return [
    // An INVALID packet that slips past NAT would reset the client's connection (kubernetes issue 74839).
    ...(settings.tcpLiberal ? [] : [`-m conntrack --ctstate INVALID${counted} -j DROP`]),
    `-m comment --comment "kubernetes forwarding rules" -m mark --mark ${mark}/${mark} -j ACCEPT`,
    '-m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  ]
}

function postroutingRules(settings: IptablesSettings): string[] {
  const mark = masqueradeMark(settings)
  const random = settings.randomFully ? ' --random-fully' : ''
  return [
    `-m mark ! --mark ${mark}/${mark} -j RETURN`,
    // Cleared, so that a packet that passes a second time is not masqueraded again.
    `-j MARK --set-xmark ${mark}/0x0`,
    `-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE${random}`,
  ]
}

function nodePortEntry({ family, nodePortAddresses, localhostNodePorts }: IptablesSettings): string[] {
  const text = '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
  if (nodePortAddresses !== 'all')
    return nodePortAddresses
      .filter((ip) => ip !== '::1' && (localhostNodePorts || !ip.startsWith('127.')))
      .map((ip) => `-d ${hostCidr(ip)} ${text} -j KUBE-NODEPORTS`)
  // IPv6 has no way to route ::1 off the loopback interface, so node ports never answer there.
  const except = family === 6 ? '! -d ::1/128 ' : localhostNodePorts ? '' : '! -d 127.0.0.0/8 '
  return [`${except}${text} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`]
}
