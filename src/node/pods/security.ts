/** Security contexts of pod and container, as one; what the runtime cannot do is refused. Pure. */
import type { Container, Pod } from '../../api/generated/v1.ts'
import type { ContainerConfig } from '../runtime/contract.ts'
import { ConfigError } from './environment.ts'

type Security = Pick<
  ContainerConfig,
  'privileged' | 'capabilities' | 'user' | 'readOnlyRoot' | 'noNewPrivileges' | 'procMount' | 'seccomp'
>

/** Throws ConfigError. The container's own word wins over the pod's. */
export function securityOf(pod: Pod, container: Container): Security {
  const own = container.securityContext ?? {}
  const shared = pod.spec?.securityContext ?? {}
  const uid = own.runAsUser ?? shared.runAsUser
  const gid = own.runAsGroup ?? shared.runAsGroup
  checkNonRoot(pod, container, uid)
  const groups = [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])]
  const privileged = own.privileged === true
  return {
    privileged,
    capabilities: { add: own.capabilities?.add ?? [], drop: own.capabilities?.drop ?? [] },
    user: {
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
      groups,
      policy: shared.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    },
    readOnlyRoot: own.readOnlyRootFilesystem === true,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    procMount: own.procMount === 'Unmasked' ? 'Unmasked' : 'Default',
    seccomp: privileged ? 'Unconfined' : seccomp(own.seccompProfile ?? shared.seccompProfile),
  }
}

/** The images of this runtime run as root unless they are told otherwise. */
function checkNonRoot(pod: Pod, { name, securityContext }: Container, uid: number | undefined): void {
  if (!(securityContext?.runAsNonRoot ?? pod.spec?.securityContext?.runAsNonRoot)) return
  const { metadata } = pod
  const where = `(pod: "${metadata.name}_${metadata.namespace}(${metadata.uid})", container: ${name})`
  if (uid === undefined) throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`)
  if (uid === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`)
}

function seccomp(profile: { type: string; localhostProfile?: string } | undefined): Security['seccomp'] {
  if (profile?.type === 'RuntimeDefault') return 'RuntimeDefault'
  if (profile?.type === 'Localhost') {
    throw new ConfigError(
      `seccomp profile "${profile.localhostProfile}": the process runtime has no localhost profiles`,
    )
  }
  return 'Unconfined'
}
