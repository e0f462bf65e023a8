/** What a cluster is made with, and where its parts live on this machine. Pure. */
import { join } from 'node:path'
import { addressAt, type Cidr, formatCidr, formatIp, overlaps, parseCidr } from '../lib/ip.ts'

/** The settings `fairway up` was given; kept in cluster.json, so that a later `up` and every part agree. */
export interface ClusterConfig {
  /** At most 12 characters: the host's network device is called `fw-NAME`. */
  readonly name: string
  readonly nodes: number
  readonly serviceCidr: string
  readonly podCidr: string
  /** The network of the nodes: .1 the switch and API server, .2 the host, .11 the first node. */
  readonly nodeCidr: string
  readonly clusterDomain: string
  /** Pods reach the outside through the host. */
  readonly egress: boolean
}

export const defaults: ClusterConfig = {
  name: 'fairway',
  nodes: 1,
  serviceCidr: '10.96.0.0/12',
  podCidr: '10.244.0.0/16',
  nodeCidr: '172.30.0.0/24',
  clusterDomain: 'cluster.local',
  egress: true,
}

/** The message is for the user: what is wrong, and what to do. */
export class SettingsError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SettingsError'
  }
}

export const apiServerPort = 6443

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
  readonly switchIp: string
  readonly hostIp: string
  readonly apiServer: string
  readonly kubernetesIp: string
  readonly dnsIp: string
  readonly nodes: readonly NodeLayout[]
}

export interface NodeLayout {
  readonly name: string
  readonly namespace: string
  readonly ip: string
  readonly podCidr: string
  readonly dir: string
}

/** Where all clusters' state lives unless `--state-dir` says otherwise. */
export function stateBase(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['FAIRWAY_STATE_DIR'] || '/var/lib/fairway'
}

export function layoutOf(config: ClusterConfig, base: string): Layout {
  const { name } = config
  const dir = join(base, name)
  const nodeNetwork = cidr('--node-cidr', config.nodeCidr)
  const services = cidr('--service-cidr', config.serviceCidr)
  const pods = cidr('--pod-cidr', config.podCidr)
  const at = (offset: number) => formatIp(addressAt(nodeNetwork, offset))
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
    switchIp: at(1),
    hostIp: at(2),
    apiServer: `https://${at(1)}:${apiServerPort}`,
    kubernetesIp: formatIp(addressAt(services, 1)),
    dnsIp: formatIp(addressAt(services, 10)),
    nodes: Array.from({ length: config.nodes }, (_, i) => ({
      name: `node-${i + 1}`,
      namespace: `fw-${name}-node-${i + 1}`,
      ip: at(11 + i),
      podCidr: formatCidr({ ip: addressAt(pods, i * 256), prefix: 24 }),
      dir: join(dir, 'nodes', `node-${i + 1}`),
    })),
  }
}

function cidr(option: string, text: string): Cidr {
  const parsed = parseCidr(text)
  if (!parsed) throw new SettingsError(`${option} ${text}: not an address range, such as 10.96.0.0/12`)
  if (parsed.ip.family !== 4) throw new SettingsError(`${option} ${text}: must be an IPv4 range`)
  return parsed
}

/** Refuses what cannot become a cluster, before anything is touched. */
export function checkSettings(config: ClusterConfig): void {
  if (!/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/.test(config.name) || /-node-\d/.test(config.name)) {
    throw new SettingsError(
      `--name ${config.name}: use at most 12 lower case letters, digits and '-', not '-' first or last, nor -node-N`,
    )
  }
  if (config.nodes !== 1) {
    throw new SettingsError(`--nodes ${config.nodes}: this version runs clusters of one node`)
  }
  if (!/^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(config.clusterDomain)) {
    throw new SettingsError(`--cluster-domain ${config.clusterDomain}: not a domain name, such as cluster.local`)
  }
  const widest = { '--service-cidr': 28, '--pod-cidr': 24, '--node-cidr': 27 } as const
  const ranges = rangesOf(config)
  for (const { option, range, text } of ranges) {
    if (range.prefix < 8 || range.prefix > widest[option]) {
      throw new SettingsError(`${option} ${text}: the prefix must be between /8 and /${widest[option]}`)
    }
  }
  for (const [i, a] of ranges.entries()) {
    for (const b of ranges.slice(i + 1)) {
      if (overlaps(a.range, b.range)) {
        throw new SettingsError(`${a.option} ${a.text} overlaps ${b.option} ${b.text}: choose ranges apart`)
      }
    }
  }
}

type RangeOption = '--service-cidr' | '--pod-cidr' | '--node-cidr'

export function rangesOf(config: ClusterConfig): readonly { option: RangeOption; text: string; range: Cidr }[] {
  const entry = (option: RangeOption, text: string) => ({ option, text, range: cidr(option, text) })
  return [
    entry('--service-cidr', config.serviceCidr),
    entry('--pod-cidr', config.podCidr),
    entry('--node-cidr', config.nodeCidr),
  ]
}
