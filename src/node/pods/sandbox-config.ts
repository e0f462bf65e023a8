/** A pod's sandbox as its spec asks for it. Pure. */
import type { Pod } from '../../api/generated/v1.ts'
import type { HostPort, SandboxConfig } from '../runtime/contract.ts'
import { type ClusterNames, hostsFile, kernelHostname } from './files.ts'
import { podLimits } from './limits.ts'
import { resolvConf } from './resolv-conf.ts'

export const defaultHandler = 'process'

export interface SandboxSources {
  readonly names: ClusterNames
  /** Of the pod's RuntimeClass. */
  readonly handler: string
}

/** Throws what no retry helps: a runtime that is not there, a host name that the kernel cannot hold. */
export function sandboxConfig(pod: Pod, { names, handler }: SandboxSources): SandboxConfig {
  const { metadata, spec } = pod
  if (handler !== defaultHandler) {
    throw new Error(`failed to get sandbox runtime: no runtime for "${handler}" is configured`)
  }
  if (spec?.hostUsers === false) {
    throw new Error("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
  }
  const limits = podLimits(pod)
  return {
    uid: metadata.uid ?? '',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    hostname: kernelHostname(pod, names),
    hostNetwork: spec?.hostNetwork === true,
    hostPorts: hostPorts(pod),
    sysctls: spec?.securityContext?.sysctls ?? [],
    processes: spec?.hostPID ? 'host' : spec?.shareProcessNamespace ? 'pod' : 'own',
    ipc: spec?.hostIPC ? 'host' : 'pod',
    ...(limits && { limits }),
    hosts: (ips) => hostsFile(pod, ips, names),
    resolvConf: resolvConf(pod, names).text,
  }
}

/** On the node's own network a port needs no rule. */
function hostPorts({ spec }: Pod): HostPort[] {
  if (spec?.hostNetwork) return []
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, hostIP, protocol = 'TCP' }) =>
      hostPort
        ? [{ protocol: protocol as HostPort['protocol'], hostPort, containerPort, ...(hostIP && { hostIP }) }]
        : [],
    ),
  )
}
