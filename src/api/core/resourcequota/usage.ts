/** What an object counts for in quotas, by the names that quotas have for it. Amounts are in billionths. Pure. */
import type { PersistentVolumeClaim, Pod, PodSpec, Service } from '../../generated/v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { formatQuantity, parseQuantity } from '../../machinery/quantity.ts'
import { isPodTerminal } from '../pod/conditions.ts'

export type Usage = Map<string, bigint>

const one = 1_000_000_000n
/** Kinds that could be counted before `count/…`. */
const aliases = ['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']
const classSuffix = '.storageclass.storage.k8s.io/'

/** `resource` as quotas write it: `pods`, `deployments.apps`. */
export function usageOf(resource: string, object: KubeObject): Usage {
  const usage: Usage = new Map([[`count/${resource}`, one]])
  if (resource === 'pods') addPod(usage, object)
  else if (resource === 'services') addService(usage, object)
  else if (resource === 'persistentvolumeclaims') addClaim(usage, object)
  else if (aliases.includes(resource)) usage.set(resource, one)
  return usage
}

/** A pod that ended is counted, but takes nothing any more. */
function addPod(usage: Usage, pod: Pod): void {
  if (isPodTerminal(pod)) return
  usage.set('pods', one)
  const { spec } = pod
  for (const [name, amount] of effective(spec, 'requests')) {
    usage.set(`requests.${name}`, amount)
    if (isPlain(name)) usage.set(name, amount)
  }
  for (const [name, amount] of effective(spec, 'limits')) if (isPlain(name)) usage.set(`limits.${name}`, amount)
}

function isPlain(name: string): boolean {
  return ['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-')
}

/** What the containers need together, or one of those before them alone, and what the pod itself costs. */
function effective(spec: PodSpec | undefined, list: 'requests' | 'limits'): Usage {
  const total: Usage = new Map()
  const initial: Usage = new Map()
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const { resources } of [...(spec?.containers ?? []), ...sidecars]) add(total, resources?.[list])
  for (const { resources, restartPolicy } of spec?.initContainers ?? []) {
    if (restartPolicy === 'Always') continue
    for (const [name, amount] of amounts(resources?.[list])) initial.set(name, max(initial.get(name), amount))
  }
  for (const [name, amount] of initial) total.set(name, max(total.get(name), amount))
  if (list === 'requests' || total.size > 0) add(total, spec?.overhead)
  return total
}

function add(usage: Usage, list: Readonly<Record<string, string>> | undefined): void {
  for (const [name, amount] of amounts(list)) usage.set(name, (usage.get(name) ?? 0n) + amount)
}

function amounts(list: Readonly<Record<string, string>> | undefined): [string, bigint][] {
  return Object.entries(list ?? {}).map(([name, quantity]) => [name, parseQuantity(quantity).nano])
}

function max(a: bigint | undefined, b: bigint): bigint {
  return a !== undefined && a > b ? a : b
}

function addService(usage: Usage, { spec }: Service): void {
  usage.set('services', one)
  const { type, ports = [], allocateLoadBalancerNodePorts } = spec ?? {}
  const balanced = type === 'LoadBalancer'
  const allocates = type === 'NodePort' || (balanced && allocateLoadBalancerNodePorts !== false)
  const own = allocates ? ports : balanced ? ports.filter(({ nodePort }) => nodePort) : []
  usage.set('services.nodeports', BigInt(own.length) * one)
  usage.set('services.loadbalancers', balanced ? one : 0n)
}

function addClaim(usage: Usage, { spec }: PersistentVolumeClaim): void {
  const storage = parseQuantity(spec?.resources?.requests?.['storage'] ?? '0').nano
  usage.set('persistentvolumeclaims', one)
  usage.set('requests.storage', storage)
  if (!spec?.storageClassName) return
  usage.set(`${spec.storageClassName}${classSuffix}persistentvolumeclaims`, one)
  usage.set(`${spec.storageClassName}${classSuffix}requests.storage`, storage)
}

/** As the quota's own amount of this name is written: bytes in powers of two where that is. */
export function formatAmount(nano: bigint, like: string | undefined): string {
  const format = like === undefined ? 'DecimalSI' : parseQuantity(like).format
  return formatQuantity({ nano, format })
}
