/** Which settings can become a cluster. Pure; the messages are for the user. */
import { overlaps } from '../lib/ip.ts'
import {
  type ClusterConfig,
  cidrs,
  offsets,
  outsideOffset,
  portRange,
  type Range,
  type RangeOption,
  rangesOf,
  SettingsError,
} from './settings.ts'

/** Refuses what cannot become a cluster, before anything is touched. */
export function checkSettings(config: ClusterConfig): void {
  checkName(config.name)
  if (!/^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(config.clusterDomain)) {
    throw new SettingsError(`--cluster-domain ${config.clusterDomain}: not a domain name, such as cluster.local`)
  }
  portRange(config.serviceNodePortRange)
  for (const zone of config.zones === '' ? [] : config.zones.split(',')) {
    if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(zone)) {
      throw new SettingsError(`--zones ${config.zones}: ${JSON.stringify(zone)} cannot be the value of a label`)
    }
  }
  const ranges = rangesOf(config)
  checkPrefixes(ranges)
  checkApart(ranges)
  checkFamilies(config)
  checkRoom(config)
}

/** At most 12 characters: the host's network device is called `fw-NAME`. */
export function checkName(name: string): void {
  if (!/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/.test(name) || /-(node-\d|outside)/.test(name)) {
    throw new SettingsError(
      `--name ${name}: use at most 12 lower case letters, digits and '-', not '-' first or last, nor -node-N or -outside`,
    )
  }
}

/** Shortest and longest prefix. A node's block of pod addresses is a /24 or /64, and ::/64 holds all Services there can be. */
const prefixes = {
  '--service-cidr': { 4: [8, 28], 6: [64, 124] },
  '--pod-cidr': { 4: [8, 24], 6: [16, 64] },
  '--node-cidr': { 4: [8, 27], 6: [16, 122] },
} as const

function checkPrefixes(ranges: readonly Range[]): void {
  for (const { option, range, text } of ranges) {
    const [shortest, longest] = prefixes[option][range.ip.family]
    if (range.prefix < shortest || range.prefix > longest) {
      throw new SettingsError(`${option} ${text}: the prefix must be between /${shortest} and /${longest}`)
    }
  }
}

function checkApart(ranges: readonly Range[]): void {
  for (const [i, a] of ranges.entries()) {
    for (const b of ranges.slice(i + 1)) {
      if (overlaps(a.range, b.range)) {
        throw new SettingsError(`${a.option} ${a.text} overlaps ${b.option} ${b.text}: choose ranges apart`)
      }
    }
  }
}

/** Pods and nodes speak the same families; Services those, or the primary one alone. */
function checkFamilies(config: ClusterConfig): void {
  const families = (option: RangeOption, text: string) => cidrs(option, text).map(({ ip }) => ip.family)
  const pods = families('--pod-cidr', config.podCidr)
  const nodes = families('--node-cidr', config.nodeCidr)
  const services = families('--service-cidr', config.serviceCidr)
  if (nodes.join() !== pods.join()) {
    throw new SettingsError(
      `--node-cidr ${config.nodeCidr} and --pod-cidr ${config.podCidr}: give ranges of the same families in the same order`,
    )
  }
  if (services[0] !== pods[0] || services.length > pods.length) {
    throw new SettingsError(
      `--service-cidr ${config.serviceCidr}: needs pods of its families, its first one first: give --pod-cidr as well`,
    )
  }
}

function checkRoom(config: ClusterConfig): void {
  const inPods = cidrs('--pod-cidr', config.podCidr).map(
    ({ ip, prefix }) => 2 ** ((ip.family === 4 ? 24 : 64) - prefix),
  )
  const networks = cidrs('--node-cidr', config.nodeCidr)
  const room = Math.min(...inPods, outsideOffset(networks) - offsets.firstNode)
  if (config.nodes > room) {
    throw new SettingsError(
      `--nodes ${config.nodes}: these ranges have room for ${room}; see --pod-cidr and --node-cidr`,
    )
  }
}
