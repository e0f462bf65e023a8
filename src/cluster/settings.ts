/** What a cluster is made with, and where its parts live on this machine. Pure. */
import { join, resolve } from 'node:path'
import { addressAt, type Cidr, formatIp, parseCidr } from '../lib/ip.ts'

/** The settings `fairway up` was given; kept in cluster.json, so that a later `up` and every part agree. */
export interface ClusterConfig {
  /** At most 12 characters: the host's network device is called `fw-NAME`. */
  readonly name: string
  readonly nodes: number
  /** One range, or one of each family separated by a comma; the first one's family is the primary one. So in all three. */
  readonly serviceCidr: string
  readonly podCidr: string
  /** The network of the nodes: .1 the switch and API server, .2 the host, .11 the first node, .200 an outside host. */
  readonly nodeCidr: string
  readonly clusterDomain: string
  /** Pods reach the outside through the host. IPv4 only. */
  readonly egress: boolean
  /** `FIRST-LAST`, inclusive. */
  readonly serviceNodePortRange: string
  /** Seconds of silence after which a node counts as dead. */
  readonly nodeMonitorGracePeriod: number
  /** Values of the nodes' label topology.kubernetes.io/zone, separated by commas, given out in turn. '': no label. */
  readonly zones: string
}

export const defaults: ClusterConfig = {
  name: 'fairway',
  nodes: 1,
  serviceCidr: '10.96.0.0/12',
  podCidr: '10.244.0.0/16',
  nodeCidr: '172.30.0.0/24',
  clusterDomain: 'cluster.local',
  egress: true,
  serviceNodePortRange: '30000-32767',
  nodeMonitorGracePeriod: 40,
  zones: '',
}

/** What `--node-cidr` is when it is not given: a network of each family that pods have. */
export function nodeCidrFor(podCidr: string): string {
  return podCidr
    .split(',')
    .map((text) => (text.includes(':') ? 'fd00:172:30::/64' : defaults.nodeCidr))
    .join(',')
}

/** What the user said of a cluster; all else is as it was, or by default. */
export type GivenSettings = Pick<ClusterConfig, 'name'> & Partial<ClusterConfig>

/** `stored`: the settings of a cluster of this name that is there. */
export function completeSettings(given: GivenSettings, stored?: ClusterConfig): ClusterConfig {
  const nodeCidr = stored?.nodeCidr ?? nodeCidrFor(given.podCidr ?? defaults.podCidr)
  return { ...defaults, ...stored, nodeCidr, ...given }
}

/** The options of `fairway up` for settings of which the user wants others than the cluster has. */
export function differingOptions(wanted: ClusterConfig, stored: ClusterConfig): string[] {
  const keys = Object.keys(wanted) as (keyof ClusterConfig)[]
  return keys
    .filter((key) => wanted[key] !== stored[key])
    .map((key) => (key === 'egress' ? '--no-egress' : `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`))
}

/** The message is for the user: what is wrong, and what to do. */
export class SettingsError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SettingsError'
  }
}

export const apiServerPort = 6443

/**
 * Node's options for the control plane, besides those of all programs (scripts/node). With a new generation of 1 MB like
 * the others it would promote half of what a request leaves behind: a tenth slower under load, and larger.
 */
export const controlPlaneFlags: readonly string[] = ['--max-semi-space-size=2']

/** Everything that follows from the settings: names, addresses, files. */
export interface Layout {
  readonly config: ClusterConfig
  /** kubectl's context: `fairway`, or `fairway-NAME`. */
  readonly context: string
  readonly dir: string
  readonly pki: string
  readonly logs: string
  readonly run: string
  readonly adminKubeconfig: string
  readonly configFile: string
  readonly database: string
  /** The switch's network namespace. */
  readonly switchNamespace: string
  /** The host's end of the cable into the switch. */
  readonly hostDevice: string
  /** Addresses: one of each family of the nodes' network, primary first. */
  readonly switchIps: readonly string[]
  readonly hostIps: readonly string[]
  readonly outsideIps: readonly string[]
  /** The first of `switchIps`, where the API server listens. */
  readonly switchIp: string
  readonly apiServer: string
  readonly kubernetesIp: string
  readonly dnsIp: string
  readonly serviceCidrs: readonly string[]
  readonly podCidrs: readonly string[]
  readonly nodeCidrs: readonly string[]
  /** Inclusive. */
  readonly nodePortRange: { readonly from: number; readonly to: number }
  readonly nodes: readonly NodeLayout[]
}

export interface NodeLayout {
  /** 1 for the first. */
  readonly number: number
  readonly name: string
  readonly namespace: string
  /** Primary first, one of each family. */
  readonly ips: readonly string[]
  readonly dir: string
  readonly labels: Readonly<Record<string, string>>
}

/** Where all clusters' state lives unless `--state-dir` says otherwise; absolute, for processes of other directories. */
export function stateBase(environment: Readonly<Record<string, string | undefined>>): string {
  return resolve(environment['FAIRWAY_STATE_DIR'] || '/var/lib/fairway')
}

/** Offsets in the nodes' network. */
export const offsets = { switch: 1, host: 2, firstNode: 11, outside: 200 } as const

export function layoutOf(config: ClusterConfig, base: string): Layout {
  const { name } = config
  const dir = join(base, name)
  const nodeNetworks = cidrs('--node-cidr', config.nodeCidr)
  const [services] = cidrs('--service-cidr', config.serviceCidr)
  const at = (offset: number) => nodeNetworks.map((network) => formatIp(addressAt(network, offset)))
  const service = (offset: number) => (services ? formatIp(addressAt(services, offset)) : '')
  const [switchIp = ''] = at(offsets.switch)
  return {
    config,
    context: name === 'fairway' ? name : `fairway-${name}`,
    dir,
    pki: join(dir, 'pki'),
    logs: join(dir, 'logs'),
    run: join(dir, 'run'),
    adminKubeconfig: join(dir, 'admin.kubeconfig'),
    configFile: join(dir, 'cluster.json'),
    database: join(dir, 'store.db'),
    switchNamespace: `fw-${name}`,
    hostDevice: `fw-${name}`,
    switchIps: at(offsets.switch),
    hostIps: at(offsets.host),
    outsideIps: at(outsideOffset(nodeNetworks)),
    switchIp,
    apiServer: `https://${hostAndPort(switchIp, apiServerPort)}`,
    kubernetesIp: service(1),
    dnsIp: service(10),
    serviceCidrs: config.serviceCidr.split(','),
    podCidrs: config.podCidr.split(','),
    nodeCidrs: config.nodeCidr.split(','),
    nodePortRange: portRange(config.serviceNodePortRange),
    nodes: Array.from({ length: config.nodes }, (_, i) => ({
      number: i + 1,
      name: `node-${i + 1}`,
      namespace: `fw-${name}-node-${i + 1}`,
      ips: at(offsets.firstNode + i),
      dir: join(dir, 'nodes', `node-${i + 1}`),
      labels: zoneLabel(config.zones, i),
    })),
  }
}

/** In a network too small for the usual offset: its last address. */
export function outsideOffset(networks: readonly Cidr[]): number {
  return Math.min(offsets.outside, ...networks.map((network) => sizeOf(network) - 2))
}

function sizeOf({ ip, prefix }: Cidr): number {
  return 2 ** Math.min((ip.family === 4 ? 32 : 128) - prefix, 24)
}

function zoneLabel(zones: string, index: number): Record<string, string> {
  const all = zones.split(',')
  const zone = all[index % all.length]
  return zone ? { 'topology.kubernetes.io/zone': zone } : {}
}

/** `172.30.0.1:6443`, `[fd00::1]:6443`. */
export function hostAndPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

export function portRange(text: string): { from: number; to: number } {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  const range = { from: Number(from), to: Number(to) }
  if (!(range.from >= 1 && range.to <= 65_535 && range.from <= range.to)) {
    throw new SettingsError(`--service-node-port-range ${text}: not a range of ports, such as 30000-32767`)
  }
  return range
}

/** The ranges an option gave, primary first. */
export function cidrs(option: RangeOption, text: string): Cidr[] {
  const parsed = text.split(',').map((one) => {
    const range = parseCidr(one)
    if (!range)
      throw new SettingsError(`${option} ${text}: ${one} is not an address range, such as ${examples[option]}`)
    return range
  })
  const families = new Set(parsed.map(({ ip }) => ip.family))
  if (families.size < parsed.length) {
    throw new SettingsError(`${option} ${text}: at most one IPv4 and one IPv6 range, separated by a comma`)
  }
  return parsed
}

const examples = {
  '--service-cidr': '10.96.0.0/12',
  '--pod-cidr': '10.244.0.0/16',
  '--node-cidr': '172.30.0.0/24',
} as const

export type RangeOption = '--service-cidr' | '--pod-cidr' | '--node-cidr'

/** One of the cluster's ranges, and the option that gave it. */
export interface Range {
  readonly option: RangeOption
  readonly text: string
  readonly range: Cidr
}

export function rangesOf(config: ClusterConfig): readonly Range[] {
  const entries = (option: RangeOption, texts: string) => {
    const parsed = cidrs(option, texts)
    return texts.split(',').flatMap((text, i) => {
      const range = parsed[i]
      return range ? [{ option, text, range }] : []
    })
  }
  return [
    ...entries('--service-cidr', config.serviceCidr),
    ...entries('--pod-cidr', config.podCidr),
    ...entries('--node-cidr', config.nodeCidr),
  ]
}

/** Every command needs root: clusters are namespaces and kernel rules, and their state is root's alone. */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return
  throw new SettingsError('fairway makes network namespaces and kernel rules, which only root may: try sudo')
}
