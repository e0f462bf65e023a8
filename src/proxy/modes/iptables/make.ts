/** Asks the machine what it can do and makes the iptables mode accordingly; also removes all of it. */
import type { Exec } from '../../../lib/exec.ts'
import { parseCidr } from '../../../lib/ip.ts'
import type { Logger } from '../../../lib/log.ts'
import type { ProxyConfig } from '../../config/config.ts'
import type { Family } from '../../plan/types.ts'
import { monitorCommand } from './audit.ts'
import { IptablesKernel, setSysctl, sysctlIsSet } from './kernel.ts'
import { IptablesMode } from './mode.ts'
import { cleanupScript } from './script.ts'
import { invalidDroppedCounter, type LocalDetector, localhostNodePortsCounter } from './settings.ts'

export interface MakeOptions {
  readonly family: Family
  readonly config: ProxyConfig
  readonly exec: Exec
  readonly log: Logger
  readonly nodeIp: string
  readonly podCidrs: readonly string[]
  readonly nodePortAddresses: 'all' | readonly string[]
}

export async function makeIptablesMode(options: MakeOptions): Promise<IptablesMode> {
  const { family, config, exec, log, nodeIp, nodePortAddresses } = options
  const kernel = new IptablesKernel({ family, exec })
  const [capabilities, counters, nft] = await Promise.all([
    kernel.capabilities(),
    kernel.counters([invalidDroppedCounter, localhostNodePortsCounter]),
    exec('nft', ['--version']),
  ])
  if (family === 4 && config.localhostNodePorts) {
    // Without it the kernel drops a packet from 127.0.0.1 that NAT sends out of the machine.
    const problem = setSysctl('net/ipv4/conf/all/route_localnet', '1')
    if (problem) log.warn({ problem }, 'cannot set route_localnet; node ports will not answer on 127.0.0.1')
  }
  const localDetector = detectorOf(options)
  if (!localDetector)
    log.warn({ mode: config.detectLocalMode }, 'cannot tell local traffic; none is masqueraded for being off-cluster')
  return new IptablesMode({
    kernel,
    settings: {
      family,
      ...(localDetector && { localDetector }),
      masqueradeAll: config.masqueradeAll,
      masqueradeBit: config.masqueradeBit,
      randomFully: capabilities.randomFully,
      localhostNodePorts: config.localhostNodePorts,
      nodePortAddresses,
      nodeIp,
      counters,
      tcpLiberal: config.tcpBeLiberal || sysctlIsSet('net/netfilter/nf_conntrack_tcp_be_liberal'),
    },
    ...(capabilities.nftVariant && nft.code === 0 && { monitor: monitorCommand }),
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

function detectorOf({ family, config, podCidrs }: MakeOptions): LocalDetector | undefined {
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
