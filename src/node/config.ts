/** The agent's configuration file: JSON, written by the supervisor. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

export interface AgentConfig {
  readonly nodeName: string
  /** The node's addresses, primary first, at most one of each family: `172.30.0.11,fd00:30::11`. */
  readonly nodeIP: string
  /** Ranges like `nodeIP`. Absent: what the node's `spec.podCIDRs` says once a controller has set it. */
  readonly podCIDR?: string
  readonly clusterDNS: string
  readonly clusterDomain: string
  /** Path of a kubeconfig (JSON is read faster than YAML). */
  readonly kubeconfig: string
  /** Paths of PEM files for the HTTPS server. */
  readonly serverCert: string
  readonly serverKey: string
  /** The CA that callers' certificates must come from. */
  readonly clientCA: string
  /** One directory per pod in it. */
  readonly stateDir: string
  /** The checkout. */
  readonly fairwayRoot: string
  /** Pod network namespaces are named `PREFIX-UID`: `fw-fairway-node-1`. */
  readonly netnsPrefix: string
  /** Added to the Node's own. */
  readonly labels?: Readonly<Record<string, string>>
  /** Default `/etc/resolv.conf`. */
  readonly hostResolvConf?: string
  /** How long others may take the node for alive without hearing of it; renewed four times as often. Default 40. */
  readonly nodeLeaseDurationSeconds?: number
  /** Default 10250. */
  readonly port?: number
  /** Directories of the host that pods see empty, besides /home and the state directories. */
  readonly masked?: readonly string[]
}

const required = [
  'nodeName',
  'nodeIP',
  'clusterDNS',
  'clusterDomain',
  'kubeconfig',
  'serverCert',
  'serverKey',
  'clientCA',
  'stateDir',
  'fairwayRoot',
  'netnsPrefix',
] as const

export function loadConfig(path: string): AgentConfig {
  const config = JSON.parse(readFileSync(path, 'utf8')) as Partial<AgentConfig>
  const missing = required.filter((field) => typeof config[field] !== 'string' || config[field] === '')
  if (missing.length > 0) throw new Error(`agent configuration ${path}: missing ${missing.join(', ')}`)
  return config as AgentConfig
}

export function nodeIPs({ nodeIP }: Pick<AgentConfig, 'nodeIP'>): string[] {
  return nodeIP.split(',')
}

export function podCIDRs({ podCIDR }: Pick<AgentConfig, 'podCIDR'>): string[] | undefined {
  return podCIDR?.split(',')
}

/** `BASE/CLUSTER/nodes/NODE/pods` lies in what must be hidden whole: other clusters' keys are secrets too. */
export function maskedDirectories({ stateDir, masked = [] }: AgentConfig): string[] {
  const cluster = dirname(dirname(dirname(stateDir)))
  const places = ['/home', '/var/lib/fairway', '/etc/ssh', '/etc/ssl/private', '/etc/kubernetes', ...masked]
  // A state directory too near the root is no cluster's; hide only itself.
  places.push(cluster.split('/').length > 2 ? cluster : stateDir)
  return [...new Set(places)]
}

/** A user's own entries come first. */
export function catalogueFiles({ stateDir, fairwayRoot }: AgentConfig): string[] {
  return [
    join(homedir(), '.config/fairway/images.json'),
    join(dirname(dirname(dirname(stateDir))), 'images.json'),
    join(fairwayRoot, 'images/catalogue.json'),
  ]
}
