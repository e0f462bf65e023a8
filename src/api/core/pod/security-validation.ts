/** Checks of security contexts, of pods and of containers. */
import { checkDescendingPath } from '../../common/validation.ts'
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '../../generated/v1.ts'
import type { FieldError, Path } from '../../machinery/field.ts'
import { duplicate, forbidden, invalid, notSupported, required, tooLong } from '../../machinery/field.ts'

const maxId = 2147483647
const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']
const profileNameMax = 4095
const sysctlFormat = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'
const sysctlName = new RegExp(sysctlFormat)
const sysctlMax = 253
/** Of the IPC namespace, beside fs.mqueue. */
const ipcSysctls = ['kernel.shm', 'kernel.msg', 'kernel.sem', 'fs.mqueue.']

/** User and group ids. */
function checkId(path: Path, id: number | undefined): FieldError[] {
  return id !== undefined && (id < 0 || id > maxId)
    ? [invalid(path, id, `must be between 0 and ${maxId}, inclusive`)]
    : []
}

export function validatePodSecurity(spec: PodSpec, path: Path): FieldError[] {
  const at = path.child('securityContext')
  const context = spec.securityContext ?? {}
  return [
    ...(['fsGroup', 'runAsUser', 'runAsGroup'] as const).flatMap((name) => checkId(at.child(name), context[name])),
    ...(context.supplementalGroups ?? []).flatMap((id, i) => checkId(at.child('supplementalGroups').index(i), id)),
    ...oneOf(at.child('supplementalGroupsPolicy'), context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...validateNamespaces(spec, path),
    ...validateSysctls(spec, at.child('sysctls')),
    ...oneOf(at.child('fsGroupChangePolicy'), context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...validateSeccomp(context.seccompProfile, at.child('seccompProfile')),
    ...validateAppArmor(context.appArmorProfile, at.child('appArmorProfile')),
  ]
}

function oneOf(path: Path, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(path, value, supported)]
}

function validateNamespaces(spec: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = []
  if (spec.shareProcessNamespace && spec.hostPID) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled'
    errors.push(invalid(path.child('shareProcessNamespace'), true, why))
  }
  if (spec.hostUsers !== false) return errors
  const shared = { hostNetwork: spec.hostNetwork, HostPID: spec.hostPID, HostIPC: spec.hostIPC }
  for (const [name, isShared] of Object.entries(shared)) {
    if (isShared) errors.push(forbidden(path.child(name), 'when `hostUsers` is false'))
  }
  return errors
}

function validateSysctls(spec: PodSpec, path: Path): FieldError[] {
  const seen = new Set<string>()
  return (spec.securityContext?.sysctls ?? []).flatMap(({ name }, i) => {
    const at = path.index(i).child('name')
    const errors = checkSysctl(name, at)
    if (errors.length === 0 && seen.has(name)) errors.push(duplicate(at, name))
    seen.add(name)
    const plain = name.replaceAll('/', '.')
    if (spec.hostNetwork && plain.startsWith('net.')) {
      errors.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"))
    }
    if (spec.hostIPC && ipcSysctls.some((prefix) => plain.startsWith(prefix))) {
      errors.push(invalid(at, name, "may not be specified when 'hostIPC' is true"))
    }
    return errors
  })
}

function checkSysctl(name: string, path: Path): FieldError[] {
  if (!name) return [required(path)]
  if (sysctlName.test(name) && name.length <= sysctlMax) return []
  return [invalid(path, name, `must have at most ${sysctlMax} characters and match regex ${sysctlFormat}`)]
}

export function validateContainerSecurity(
  context: SecurityContext | undefined,
  spec: PodSpec,
  path: Path,
): FieldError[] {
  if (!context) return []
  const { procMount } = context
  const errors = [
    ...checkId(path.child('runAsUser'), context.runAsUser),
    ...checkId(path.child('runAsGroup'), context.runAsGroup),
    ...oneOf(path.child('procMount'), procMount, ['Default', 'Unmasked']),
  ]
  if (procMount === 'Unmasked' && spec.hostUsers !== false) {
    errors.push(invalid(path.child('procMount'), procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  errors.push(...validateSeccomp(context.seccompProfile, path.child('seccompProfile')))
  if (context.allowPrivilegeEscalation === false) {
    const both = (other: string) => `cannot set \`allowPrivilegeEscalation\` to false and ${other}`
    if (context.privileged) errors.push(invalid(path, context, both('`privileged` to true')))
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      errors.push(invalid(path, context, both('`capabilities.Add` CAP_SYS_ADMIN')))
    }
  }
  return [...errors, ...validateAppArmor(context.appArmorProfile, path.child('appArmorProfile'))]
}

function validateSeccomp(profile: SeccompProfile | undefined, path: Path): FieldError[] {
  if (!profile) return []
  const { type, localhostProfile } = profile
  const at = path.child('localhostProfile')
  const errors: FieldError[] = []
  if (!type) errors.push(required(path.child('type'), 'type is required when seccompProfile is set'))
  else errors.push(...oneOf(path.child('type'), type, profileTypes))
  if (type !== 'Localhost') {
    if (localhostProfile !== undefined) {
      errors.push(invalid(at, profile, 'can only be set when seccomp type is Localhost'))
    }
  } else if (localhostProfile === undefined) {
    errors.push(required(at, 'must be set when seccomp type is Localhost'))
  } else errors.push(...checkDescendingPath(localhostProfile, at))
  return errors
}

function validateAppArmor(profile: AppArmorProfile | undefined, path: Path): FieldError[] {
  if (!profile) return []
  const { type, localhostProfile } = profile
  const at = path.child('localhostProfile')
  if (!type) return [required(path.child('type'), 'type is required when appArmorProfile is set')]
  if (!profileTypes.includes(type)) return [notSupported(path.child('type'), type, profileTypes)]
  if (type !== 'Localhost') {
    return localhostProfile === undefined
      ? []
      : [invalid(at, localhostProfile, 'can only be set when AppArmor type is Localhost')]
  }
  if (!localhostProfile) return [required(at, 'must be set when AppArmor type is Localhost')]
  if (localhostProfile.trim() !== localhostProfile) {
    return [invalid(at, localhostProfile, 'must not be padded with whitespace')]
  }
  return localhostProfile.length > profileNameMax ? [tooLong(at, profileNameMax)] : []
}
