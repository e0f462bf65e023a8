/** What the rules depend on besides the plans. */
import type { Family } from '../../plan/types.ts'

/** How to tell traffic that comes from pods of this node or cluster; the arguments are iptables matches. */
export interface LocalDetector {
  readonly local: string
  readonly notLocal: string
}

export interface IptablesSettings {
  readonly family: Family
  /** Absent: sources cannot be told apart, nothing is masqueraded for being off-cluster. */
  readonly localDetector?: LocalDetector
  readonly masqueradeAll: boolean
  /** Bit of the packet mark, 0-31. */
  readonly masqueradeBit: number
  /** `--random-fully` is understood. */
  readonly randomFully: boolean
  /** Node ports answer on 127.0.0.1 too, and route_localnet is set for it. */
  readonly localhostNodePorts: boolean
  /** Addresses that node ports answer on; 'all': every address of the node. */
  readonly nodePortAddresses: 'all' | readonly string[]
  /** This node's own address, for loadBalancerSourceRanges that include it; '' when unknown. */
  readonly nodeIp: string
  /** nfacct objects that exist in the kernel. */
  readonly counters: ReadonlySet<string>
  /** net.netfilter.nf_conntrack_tcp_be_liberal is set: INVALID packets pass. */
  readonly tcpLiberal: boolean
  /** So many endpoints that rules to and of them go without comments, which are most of their size. */
  readonly largeCluster: boolean
}

/** More endpoints than this make a large cluster. */
export const largeClusterEndpoints = 1000

export const invalidDroppedCounter = 'ct_state_invalid_dropped_pkts'
export const localhostNodePortsCounter = 'localhost_nps_accepted_pkts'

export function masqueradeMark({ masqueradeBit }: Pick<IptablesSettings, 'masqueradeBit'>): string {
  return `0x${(2 ** masqueradeBit).toString(16)}`
}
