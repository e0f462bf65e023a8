/** Pods that this node must not run, whoever sent them here: the kubelet's own checks. Pure. */
import type { Pod } from '../../api/generated/v1.ts'

export interface Refusal {
  /** As in the pod's status. */
  readonly reason: string
  readonly message: string
}

/** `accepted`: the pods that this node runs, or is about to; the pod itself may be among them. */
export function refusal(pod: Pod, accepted: readonly Pod[]): Refusal | undefined {
  return refusedPorts(pod, accepted) ?? refusedSysctl(pod) ?? refusedAppArmor(pod)
}

interface Port {
  readonly ip: string
  readonly protocol: string
  readonly port: number
}

function portsOf({ spec }: Pod): Port[] {
  const sidecars = spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? []
  return [...(spec?.containers ?? []), ...sidecars].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) =>
      hostPort ? [{ ip: hostIP || '0.0.0.0', protocol, port: hostPort }] : [],
    ),
  )
}

/** The scheduler sees to it; pods that name their node have not been there. */
function refusedPorts(pod: Pod, accepted: readonly Pod[]): Refusal | undefined {
  const wanted = portsOf(pod)
  if (wanted.length === 0) return undefined
  const holders = accepted.filter((other) => other.metadata.uid !== pod.metadata.uid && holdsPorts(other))
  const clash = holders.flatMap(portsOf).some((used) => wanted.some((port) => overlaps(port, used)))
  if (!clash) return undefined
  const words = "node(s) didn't have free ports for the requested pod ports"
  return { reason: 'NodePorts', message: `Predicate NodePorts failed: ${words}` }
}

function holdsPorts({ status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
}

function overlaps(a: Port, b: Port): boolean {
  const sameAddress = a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0'
  return sameAddress && a.protocol === b.protocol && a.port === b.port
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
