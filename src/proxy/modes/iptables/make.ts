/** Asks the machine what it can do and makes the iptables mode accordingly; also removes all of it. */
import type { Exec } from '../../../lib/exec.ts'
import { parseCidr } from '../../../lib/ip.ts'
import type { Logger } from '../../../lib/log.ts'
import type { ProxyConfig } from '../../config/config.ts'
import type { Family } from '../../plan/types.ts'
import { monitorCommand } from './audit.ts'
import { type Capabilities, IptablesKernel, setSysctl, sysctlIsSet } from './kernel.ts'
import { IptablesMode } from './mode.ts'
import { cleanupScript } from './script.ts'
import { invalidDroppedCounter, type LocalDetector, localhostNodePortsCounter } from './settings.ts'

/** What this machine can do; asking takes a few commands, so it is asked while the API server is. */
export interface Machine {
  readonly capabilities: Capabilities
  readonly counters: ReadonlySet<string>
}

export async function probeIptables(family: Family, exec: Exec): Promise<Machine> {
  const kernel = new IptablesKernel({ family, exec })
  const [capabilities, counters] = await Promise.all([
    kernel.capabilities(),
    kernel.counters([invalidDroppedCounter, localhostNodePortsCounter]),
  ])
  return { capabilities, counters }
}

export interface MakeOptions {
  readonly family: Family
  readonly config: ProxyConfig
  readonly exec: Exec
  readonly log: Logger
  readonly machine: Machine
  readonly nodeIp: string
  readonly podCidrs: readonly string[]
  /** As the configuration amounts to on this machine. */
  readonly nodePortAddresses: 'all' | readonly string[]
}

export function makeIptablesMode(options: MakeOptions): IptablesMode {
  const { family, config, exec, log, nodeIp, nodePortAddresses } = options
  const { capabilities, counters } = options.machine
  const onLoopback = nodePortAddresses === 'all' || nodePortAddresses.some((ip) => ip.startsWith('127.'))
  const localhostNodePorts = family === 4 && config.localhostNodePorts && onLoopback
  if (localhostNodePorts) {
    // Without it the kernel drops a packet from 127.0.0.1 that NAT sends out of the machine.
    const problem = setSysctl('net/ipv4/conf/all/route_localnet', '1')
    if (problem) log.warn({ problem }, 'cannot set route_localnet; node ports will not answer on 127.0.0.1')
  }
  const localDetector = detectorOf(options)
  if (!localDetector)
    log.warn({ mode: config.detectLocalMode }, 'cannot tell local traffic; none is masqueraded for being off-cluster')
  return new IptablesMode({
    kernel: new IptablesKernel({ family, exec }),
    settings: {
      family,
      ...(localDetector && { localDetector }),
      masqueradeAll: config.masqueradeAll,
      masqueradeBit: config.masqueradeBit,
      randomFully: capabilities.randomFully,
      localhostNodePorts,
      nodePortAddresses,
      nodeIp,
      counters,
      tcpLiberal: config.tcpBeLiberal || sysctlIsSet('net/netfilter/nf_conntrack_tcp_be_liberal'),
      largeCluster: false,
    },
    ...(capabilities.nftVariant && { monitor: monitorCommand }),
    canaryPeriodMs: config.syncPeriodMs,
    log,
  })
}

/** Removes every rule and chain of the proxy, in both families where the machine has them. */
export async function cleanupIptables(exec: Exec): Promise<void> {
  for (const family of [4, 6] as const) {
    const kernel = new IptablesKernel({ family, exec })
    const saved = await kernel.save().catch(() => '')
    const script = cleanupScript(saved)
    if (script) await kernel.restore(script)
  }
}

/** How this configuration tells pods' traffic in one family; undefined: it cannot. */
export function detectorOf({
  family,
  config,
  podCidrs,
}: Pick<MakeOptions, 'family' | 'config' | 'podCidrs'>): LocalDetector | undefined {
  const byMatch = (match: string): LocalDetector => ({ local: match, notLocal: `! ${match}` })
  switch (config.detectLocalMode) {
    case 'ClusterCIDR':
    case 'NodeCIDR': {
      const cidrs = config.detectLocalMode === 'ClusterCIDR' ? config.clusterCidrs : podCidrs
      const cidr = cidrs.find((c) => parseCidr(c)?.ip.family === family)
      return cidr === undefined ? undefined : byMatch(`-s ${cidr}`)
    }
    case 'BridgeInterface':
      return config.bridgeInterface ? byMatch(`-i ${config.bridgeInterface}`) : undefined
    case 'InterfaceNamePrefix':
      return config.interfaceNamePrefix ? byMatch(`-i ${config.interfaceNamePrefix}+`) : undefined
  }
}
