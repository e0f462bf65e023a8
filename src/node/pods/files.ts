/** The files the kubelet manages for a pod: /etc/hosts and /etc/resolv.conf, and its host name. Pure. */
import type { Pod } from '../../api/generated/v1.ts'

export interface ClusterNames {
  readonly nodeName: string
  /** Address of the cluster's DNS Service. */
  readonly clusterDNS: string
  readonly clusterDomain: string
  /** The node's own resolv.conf, as text. */
  readonly hostResolvConf: string
  /** The node's own /etc/hosts, as text. */
  readonly hostHosts: string
}

const hostNameMax = 63

/** What the kernel can hold. */
const kernelHostnameMax = 64

/** The pod's own name, without its domain. */
export function podHostname({ metadata, spec }: Pod, { nodeName }: ClusterNames): string {
  if (spec?.hostnameOverride) return spec.hostnameOverride
  if (spec?.hostNetwork) return nodeName
  return spec?.hostname || metadata.name.slice(0, hostNameMax).replace(/[-.]+$/, '')
}

/** The domain that `subdomain` gives it. */
function podDomain({ metadata, spec }: Pod, { clusterDomain }: ClusterNames): string | undefined {
  if (!spec?.subdomain || spec.hostnameOverride) return undefined
  return `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}`
}

/** What `hostname` prints in the pod. Throws when that is longer than the kernel's field. */
export function kernelHostname(pod: Pod, names: ClusterNames): string {
  const short = podHostname(pod, names)
  const domain = podDomain(pod, names)
  if (!domain || !pod.spec?.setHostnameAsFQDN) return short
  const full = `${short}.${domain}`
  if (full.length <= kernelHostnameMax) return full
  throw new Error(
    `failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long ` +
      `(${kernelHostnameMax} characters is the max, ${full.length} characters requested)`,
  )
}

export function hostsFile(pod: Pod, podIPs: readonly string[], names: ClusterNames): string {
  const aliases = hostAliases(pod)
  if (pod.spec?.hostNetwork) {
    return `# Kubernetes-managed hosts file (host network).\n${names.hostHosts}${aliases}`
  }
  const short = podHostname(pod, names)
  const domain = podDomain(pod, names)
  const full = domain ? `${short}.${domain}\t` : ''
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIPs.map((ip) => `${ip}\t${full}${short}`),
    aliases,
  ].join('\n')
}

function hostAliases({ spec }: Pod): string {
  const aliases = spec?.hostAliases ?? []
  if (aliases.length === 0) return ''
  const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`)
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`
}

interface Resolver {
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

export function resolvConf(pod: Pod, names: ClusterNames): string {
  const base = addConfig(policyResolver(pod, names), pod)
  return [
    ...(base.searches.length > 0 ? [`search ${base.searches.join(' ')}`] : []),
    ...base.nameservers.map((server) => `nameserver ${server}`),
    ...(base.options.length > 0 ? [`options ${base.options.join(' ')}`] : []),
    '',
  ].join('\n')
}

function policyResolver({ metadata, spec }: Pod, names: ClusterNames): Resolver {
  const host = parseResolvConf(names.hostResolvConf)
  const policy = spec?.dnsPolicy ?? 'ClusterFirst'
  if (policy === 'None') return { nameservers: [], searches: [], options: [] }
  if (policy === 'Default' || (policy === 'ClusterFirst' && spec?.hostNetwork)) return host
  const { clusterDomain } = names
  const own = [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
  return {
    nameservers: [names.clusterDNS],
    searches: [...new Set([...own, ...host.searches])],
    options: mergeOptions(host.options, ['ndots:5']),
  }
}

function addConfig(base: Resolver, { spec }: Pod): Resolver {
  const config = spec?.dnsConfig
  if (!config) return base
  const options = (config.options ?? []).map(({ name = '', value }) =>
    value === undefined ? name : `${name}:${value}`,
  )
  return {
    nameservers: [...new Set([...base.nameservers, ...(config.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(config.searches ?? [])])],
    options: mergeOptions(base.options, options),
  }
}

/** A later option of the same name wins, in the earlier one's place. */
function mergeOptions(first: readonly string[], second: readonly string[]): string[] {
  const byName = new Map<string, string>()
  for (const option of [...first, ...second]) byName.set(option.split(':')[0] ?? '', option)
  return [...byName.values()]
}

function parseResolvConf(text: string): Resolver {
  const nameservers: string[] = []
  let searches: string[] = []
  let options: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && values[0]) nameservers.push(values[0])
    if (keyword === 'search') searches = values.filter((domain) => domain !== '.')
    if (keyword === 'options') options = values
  }
  return { nameservers, searches, options }
}
