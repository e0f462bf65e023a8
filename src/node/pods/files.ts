/** The files the kubelet manages for a pod: /etc/hosts (and resolv-conf.ts), and its host name. Pure. */
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
