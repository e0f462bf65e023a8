/** A pod's /etc/resolv.conf, from its policy, its own settings and the node's file. Pure. */
import type { Pod } from '../../api/generated/v1.ts'
import type { ClusterNames } from './files.ts'

export interface ResolvConf {
  readonly text: string
  /** What had to be left out: messages of DNSConfigForming. */
  readonly omissions: readonly string[]
}

interface Resolver {
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

/** What resolvers take. */
const nameserversMax = 3
const searchesMax = 32
const searchCharactersMax = 2048

export function resolvConf(pod: Pod, names: ClusterNames): ResolvConf {
  const wanted = addConfig(policyResolver(pod, names), pod)
  const { options } = wanted
  const nameservers = wanted.nameservers.slice(0, nameserversMax)
  const searches = fittingSearches(wanted.searches)
  const omissions = [
    ...(nameservers.length < wanted.nameservers.length ? [omitted('Nameserver', 'nameservers', nameservers)] : []),
    ...(searches.length < wanted.searches.length ? [omitted('Search Line', 'search paths', searches)] : []),
  ]
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
    '',
  ]
  return { text: lines.join('\n'), omissions }
}

function fittingSearches(searches: readonly string[]): string[] {
  const fitting: string[] = []
  for (const search of searches.slice(0, searchesMax)) {
    if ([...fitting, search].join(' ').length > searchCharactersMax) break
    fitting.push(search)
  }
  return fitting
}

function omitted(what: string, omissions: string, applied: readonly string[]): string {
  const line = what === 'Nameserver' ? 'nameserver' : 'search'
  return (
    `${what} limits were exceeded, some ${omissions} have been omitted, ` +
    `the applied ${line} line is: ${applied.join(' ')}`
  )
}

function policyResolver({ metadata, spec }: Pod, names: ClusterNames): Resolver {
  const host = parseResolvConf(names.hostResolvConf)
  const policy = spec?.dnsPolicy ?? 'ClusterFirst'
  if (policy === 'None') return { nameservers: [], searches: [], options: [] }
  if (policy === 'Default' || (policy === 'ClusterFirst' && spec?.hostNetwork)) return host
  const { clusterDomain } = names
  const own = [`${metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
  // The node's own options are not for the cluster's server.
  return { nameservers: [names.clusterDNS], searches: [...new Set([...own, ...host.searches])], options: ['ndots:5'] }
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
