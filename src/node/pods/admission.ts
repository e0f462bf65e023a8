/** Pods that this node must not run, whoever sent them here: the kubelet's own checks. Pure. */
import { hostPortsClash, podRequests, type Requests, resourceAmount } from '../../api/core/pod/requests.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { isFinished } from './progress.ts'

export interface Refusal {
  /** As in the pod's status. */
  readonly reason: string
  readonly message: string
}

export interface Place {
  /** The pods that this node runs, or is about to; the pod itself may be among them. */
  readonly accepted: readonly Pod[]
  /** What the node has, by resource name. */
  readonly allocatable: Readonly<Record<string, string>>
}

export function refusal(pod: Pod, { accepted, allocatable }: Place): Refusal | undefined {
  const others = accepted.filter((other) => other.metadata.uid !== pod.metadata.uid && !isFinished(other))
  return (
    refusedAmounts(pod, others, allocatable) ??
    refusedPorts(pod, others) ??
    refusedSystem(pod) ??
    refusedSysctl(pod) ??
    refusedAppArmor(pod)
  )
}

/** Resources that the node does not have at all are others' care. */
function refusedAmounts(pod: Pod, others: readonly Pod[], allocatable: Place['allocatable']): Refusal | undefined {
  const taken = others.map(requestsOf)
  for (const [name, requested] of requestsOf(pod)) {
    const text = allocatable[name]
    if (text === undefined || requested === 0) continue
    const capacity = resourceAmount(name, text)
    const used = taken.reduce((sum, requests) => sum + (requests.get(name) ?? 0), 0)
    if (requested + used <= capacity) continue
    const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`
    return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${amounts}` }
  }
  return undefined
}

function requestsOf(pod: Pod): Requests {
  return new Map([['pods', 1], ...podRequests(pod)])
}

function refusedSystem({ spec }: Pod): Refusal | undefined {
  if ((spec?.nodeSelector?.['kubernetes.io/os'] ?? 'linux') !== 'linux') {
    const message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
    return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message }
  }
  if ((spec?.os?.name ?? 'linux') === 'linux') return undefined
  return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
}

/** The scheduler sees to it; pods that name their node have not been there. */
function refusedPorts(pod: Pod, others: readonly Pod[]): Refusal | undefined {
  if (!hostPortsClash(pod, others)) return undefined
  const words = "node(s) didn't have free ports for the requested pod ports"
  return { reason: 'NodePorts', message: `Predicate NodePorts failed: ${words}` }
}

/** Those that stay within the pod. */
const safeSysctls = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
])

function refusedSysctl({ spec }: Pod): Refusal | undefined {
  for (const { name } of spec?.securityContext?.sysctls ?? []) {
    const plain = name.replaceAll('/', '.')
    if (!safeSysctls.has(plain)) return forbidden(`"${name}" not allowlisted`)
    if (plain.startsWith('net.') && spec?.hostNetwork) return forbidden(`"${name}" not allowed with host net enabled`)
    if (plain.startsWith('kernel.') && spec?.hostIPC) return forbidden(`"${name}" not allowed with host ipc enabled`)
  }
  return undefined
}

function forbidden(what: string): Refusal {
  return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${what}` }
}

/** The process runtime loads no profiles. */
function refusedAppArmor({ spec }: Pod): Refusal | undefined {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  const profiles = [spec?.securityContext, ...containers.map(({ securityContext }) => securityContext)]
  const asked = profiles.some((context) => context?.appArmorProfile && context.appArmorProfile.type !== 'Unconfined')
  if (!asked) return undefined
  return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' }
}
