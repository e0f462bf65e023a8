/** Which part of the cluster a name means (Kubernetes DNS-Based Service Discovery 1.1.0). Pure. */
import { labelsOf } from '../wire/index.ts'
import type { Cluster, PortEntry } from './cluster.ts'
import { undashed } from './names.ts'

/** An address under a name of its own, as A, AAAA and SRV records tell it. */
export interface Target {
  readonly address: string
  readonly port: number | undefined
  /** Absolute name. */
  readonly name: string
}

export type Found =
  | { readonly type: 'targets'; readonly targets: readonly Target[] }
  | { readonly type: 'external'; readonly target: string }
  /** The name exists and holds nothing: other names are below it. */
  | { readonly type: 'nothing' }
  | { readonly type: 'nxdomain' }

export interface LookupOptions {
  readonly pods: 'disabled' | 'insecure' | 'verified'
  /** Empty: all that exist. */
  readonly namespaces: readonly string[]
  readonly ignoreEmptyService: boolean
}

const nxdomain: Found = { type: 'nxdomain' }
const nothing: Found = { type: 'nothing' }

/** `prefix` is the name without its zone, lower case: `_http._tcp.web.demo.svc`. */
export function lookup(cluster: Cluster, options: LookupOptions, prefix: string, zone: string): Found {
  const labels = prefix === '' ? [] : labelsOf(`${prefix}.`)
  const kind = labels.pop()
  if (kind === undefined) return nothing
  if (kind !== 'svc' && kind !== 'pod') return nxdomain
  const namespace = labels.pop()
  if (namespace === undefined) return nothing
  if (labels.length > 3 || !isExposed(cluster, options, namespace)) return nxdomain
  const name = labels.pop()
  if (kind === 'pod' && options.pods === 'disabled') return nxdomain
  if (name === undefined) return nothing
  if (kind === 'pod') return findPod(cluster, options, { name, namespace, zone })
  return findService(cluster, options, { name, namespace, labels, zone })
}

export function isExposed(cluster: Cluster, { namespaces }: LookupOptions, namespace: string): boolean {
  return cluster.hasNamespace(namespace) && (namespaces.length === 0 || namespaces.includes(namespace))
}

interface Subject {
  readonly name: string
  readonly namespace: string
  readonly zone: string
}

function findPod(cluster: Cluster, { pods }: LookupOptions, { name, namespace, zone }: Subject): Found {
  const address = undashed(name)
  if (address === undefined) return nxdomain
  if (pods === 'verified' && !cluster.hasPodAt(address, namespace)) return nxdomain
  return { type: 'targets', targets: [{ address, port: undefined, name: `${name}.${namespace}.pod.${zone}` }] }
}

/** `labels`: what is left of the Service's name: nothing, an endpoint, or port and protocol. */
function findService(
  cluster: Cluster,
  options: LookupOptions,
  { name, namespace, labels, zone }: Subject & { readonly labels: readonly string[] },
): Found {
  const service = cluster.service(`${namespace}/${name}`)
  if (!service) return nxdomain
  const base = `${name}.${namespace}.svc.${zone}`
  if (service.kind === 'external') {
    return labels.length > 0 || service.externalName === ''
      ? nxdomain
      : { type: 'external', target: service.externalName }
  }
  const endpoints = () => cluster.endpoints(service.key)
  if (service.kind === 'clusterIP' && options.ignoreEmptyService && endpoints().all.length === 0) return nxdomain
  const [endpoint] = labels.length === 1 ? labels : []
  const [port = '', protocol = ''] = labels.length === 2 ? labels.map(withoutUnderscore) : []
  const wanted = (entry: PortEntry) => (!port || entry.name === port) && (!protocol || entry.protocol === protocol)
  const targets: Target[] = []
  if (service.kind === 'headless' || endpoint !== undefined) {
    const candidates = endpoint === undefined ? endpoints().all : (endpoints().byLabel.get(endpoint) ?? [])
    for (const { address, label, ports } of candidates) {
      for (const entry of ports)
        if (wanted(entry)) targets.push({ address, port: entry.port, name: `${label}.${base}` })
    }
  } else {
    for (const entry of service.ports.filter(wanted)) {
      for (const address of service.addresses) targets.push({ address, port: entry.port, name: base })
    }
  }
  return targets.length > 0 ? { type: 'targets', targets } : nxdomain
}

function withoutUnderscore(label: string): string {
  return label.startsWith('_') ? label.slice(1) : label
}
