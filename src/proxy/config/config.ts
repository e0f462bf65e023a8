/** Decodes, defaults and validates a KubeProxyConfiguration. Pure but for the parser it loads on demand. */
import { isObject } from '../../api/machinery/json-object.ts'
import { parseCidr } from '../../lib/ip.ts'
import { type FieldKind, type Schema, schema } from './schema.ts'

export type LocalMode = 'ClusterCIDR' | 'NodeCIDR' | 'BridgeInterface' | 'InterfaceNamePrefix'

/** What the proxy uses of its configuration, defaults filled in. */
export interface ProxyConfig {
  readonly kubeconfig: string
  readonly hostnameOverride: string
  readonly mode: 'iptables' | 'ipvs' | 'nftables' | 'userspace'
  readonly healthzBindAddress: string
  readonly metricsBindAddress: string
  readonly clusterCidrs: readonly string[]
  readonly detectLocalMode: LocalMode
  readonly bridgeInterface: string
  readonly interfaceNamePrefix: string
  /** CIDRs; empty: all addresses. `primary` alone: the node's own. */
  readonly nodePortAddresses: readonly string[]
  readonly masqueradeAll: boolean
  readonly masqueradeBit: number
  readonly localhostNodePorts: boolean
  readonly minSyncPeriodMs: number
  readonly syncPeriodMs: number
  readonly tcpBeLiberal: boolean
}

export class ConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigError'
  }
}

/** kube-proxy's own defaults, but for the interval under bursts: differences are cheap here. */
const defaults = { healthz: '0.0.0.0:10256', metrics: '127.0.0.1:10249', syncMs: 30_000, minSyncMs: 20 }

/** YAML or JSON. Throws ConfigError naming the field. */
export async function loadConfig(text: string): Promise<ProxyConfig> {
  const document = await parseDocument(text)
  const problems = check(document, schema, '')
  if (problems.length > 0) throw new ConfigError(`strict decoding error: ${problems.join(', ')}`)
  const group = document['apiVersion']
  if (group !== 'kubeproxy.config.k8s.io/v1alpha1' || document['kind'] !== 'KubeProxyConfiguration')
    throw new ConfigError(
      `no kind ${JSON.stringify(document['kind'] ?? '')} is registered for version ${JSON.stringify(group ?? '')}`,
    )
  return validated(toConfig(document))
}

interface RawConfig {
  readonly clientConnection?: { readonly kubeconfig?: string }
  readonly hostnameOverride?: string
  readonly mode?: string
  readonly healthzBindAddress?: string
  readonly metricsBindAddress?: string
  readonly clusterCIDR?: string
  readonly detectLocalMode?: string
  readonly detectLocal?: { readonly bridgeInterface?: string; readonly interfaceNamePrefix?: string }
  readonly nodePortAddresses?: readonly string[] | null
  readonly iptables?: {
    readonly masqueradeAll?: boolean
    readonly masqueradeBit?: number | null
    readonly localhostNodePorts?: boolean | null
    readonly syncPeriod?: string
    readonly minSyncPeriod?: string
  }
  readonly conntrack?: { readonly tcpBeLiberal?: boolean }
}

function toConfig(raw: RawConfig): ProxyConfig {
  const { iptables = {} } = raw
  return {
    kubeconfig: raw.clientConnection?.kubeconfig ?? '',
    hostnameOverride: raw.hostnameOverride ?? '',
    mode: (raw.mode || 'iptables') as ProxyConfig['mode'],
    healthzBindAddress: withPort(raw.healthzBindAddress, defaults.healthz),
    metricsBindAddress: withPort(raw.metricsBindAddress, defaults.metrics),
    clusterCidrs: (raw.clusterCIDR ?? '')
      .split(',')
      .map((c) => c.trim())
      .filter(Boolean),
    detectLocalMode: (raw.detectLocalMode || 'ClusterCIDR') as LocalMode,
    bridgeInterface: raw.detectLocal?.bridgeInterface ?? '',
    interfaceNamePrefix: raw.detectLocal?.interfaceNamePrefix ?? '',
    nodePortAddresses: raw.nodePortAddresses ?? [],
    masqueradeAll: iptables.masqueradeAll ?? false,
    masqueradeBit: iptables.masqueradeBit ?? 14,
    localhostNodePorts: iptables.localhostNodePorts ?? true,
    minSyncPeriodMs: durationMs(iptables.minSyncPeriod ?? '') || defaults.minSyncMs,
    syncPeriodMs: durationMs(iptables.syncPeriod ?? '') || defaults.syncMs,
    tcpBeLiberal: raw.conntrack?.tcpBeLiberal ?? false,
  }
}

/** `0.0.0.0` gets the default's port. */
function withPort(address: string | undefined, fallback: string): string {
  if (!address) return fallback
  const hasPort = address.startsWith('[') ? address.includes(']:') : address.split(':').length === 2
  const host = address.includes(':') && !address.startsWith('[') && !hasPort ? `[${address}]` : address
  return hasPort ? address : `${host}${fallback.slice(fallback.lastIndexOf(':'))}`
}

function validated(config: ProxyConfig): ProxyConfig {
  const problem = (field: string, value: unknown, why: string) =>
    new ConfigError(`KubeProxyConfiguration.${field}: Invalid value: ${JSON.stringify(value)}: ${why}`)
  const modes = ['iptables', 'ipvs', 'nftables', 'userspace']
  if (!modes.includes(config.mode))
    throw problem('Mode', config.mode, `must be ${modes.join(', ')} or blank (blank means the best-available proxy)`)
  const localModes = ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix']
  if (!localModes.includes(config.detectLocalMode))
    throw problem('DetectLocalMode', config.detectLocalMode, `must be ${localModes.join(', ')} or blank`)
  if (!(config.masqueradeBit >= 0 && config.masqueradeBit <= 31))
    throw problem(
      'KubeProxyIPTablesConfiguration.MasqueradeBit',
      config.masqueradeBit,
      'must be within the range [0, 31]',
    )
  if (config.clusterCidrs.some((cidr) => !parseCidr(cidr)))
    throw problem(
      'ClusterCIDR',
      config.clusterCidrs.join(','),
      'must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)',
    )
  config.nodePortAddresses.forEach((cidr, i) => {
    if (!parseCidr(cidr) && !(cidr === 'primary' && config.nodePortAddresses.length === 1))
      throw problem(`NodePortAddresses[${i}]`, cidr, 'must be a valid CIDR')
  })
  return config
}

async function parseDocument(text: string): Promise<Record<string, unknown>> {
  let document: unknown
  try {
    document = text.trimStart().startsWith('{') ? JSON.parse(text) : (await import('yaml')).parse(text)
  } catch (error) {
    throw new ConfigError(`failed to decode: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new ConfigError('failed to decode: the configuration is not an object')
  return document as Record<string, unknown>
}

function check(value: Record<string, unknown>, fields: Schema, prefix: string): string[] {
  return Object.entries(value).flatMap(([name, field]) => {
    const path = prefix + name
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (kind === undefined) return [`unknown field ${JSON.stringify(path)}`]
    if (field === null || kind === 'any') return []
    if (typeof kind === 'object')
      return isObject(field) ? check(field, kind, `${path}.`) : [`field ${JSON.stringify(path)} must be an object`]
    return matches(field, kind) ? [] : [`field ${JSON.stringify(path)} must be a ${kind}`]
  })
}

function matches(value: unknown, kind: Exclude<FieldKind, Schema>): boolean {
  if (kind === 'strings') return Array.isArray(value) && value.every((v) => typeof v === 'string')
  if (kind === 'duration') return value === 0 || (typeof value === 'string' && durationMs(value) !== undefined)
  return typeof value === kind
}

const unitMs: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Go's durations: `1h30m`, `0s`, `250ms`. '' and 0 are zero; undefined: no duration. */
function durationMs(text: string | number): number | undefined {
  if (text === '' || text === 0 || text === '0') return 0
  if (!/^([\d.]+(ns|us|µs|ms|s|m|h))+$/.test(String(text))) return undefined
  return [...String(text).matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0),
    0,
  )
}
