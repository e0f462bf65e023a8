/** The world of one container, as operations for the shim. Pure. */
import { arch } from 'node:process'
import { type Capability, capabilityMask, heldCapabilities } from './capabilities.ts'
import type { ControlGroup } from './cgroups.ts'
import type { ContainerConfig } from './contract.ts'
import { type Image, programPath } from './images.ts'
import { logFilesMax } from './paths.ts'
import { isArchitecture, seccompFilter } from './seccomp.ts'
import type { Operation } from './spec.ts'
import type { User } from './users.ts'

export interface ContainerPlace {
  readonly containerId: string
  readonly user: User
  /** Directory for the run's records. */
  readonly record: string
  readonly log: string
  readonly eventMarker: string
  readonly netns?: string
  /** Absent: the host's. */
  readonly ipcns?: string
  /** A path, or `host`. Absent: its own. */
  readonly pidns?: string
  readonly cgroups: readonly ControlGroup[]
  readonly utsns: string
  /** Writable layer: upper, work and root are made in it. */
  readonly writable: string
  readonly fairwayRoot: string
  /** Directories of the host that no container may read. */
  readonly masked: readonly string[]
  /** File systems of the host mounted apart from its root, parents first. */
  readonly hostMounts: readonly string[]
  /** Copies the image brings, and other files of Fairway: source on the host, target in the container. */
  readonly files: readonly { readonly source: string; readonly target: string; readonly access: 'ro' | 'rw' }[]
  /** Where the program's word of its end is kept. */
  readonly message: string
}

/** The kubelet's containerLogMaxSize. */
const logMaxBytes = 10 * 1024 * 1024

export function containerSpec(config: ContainerConfig, image: Image, place: ContainerPlace): Operation[] {
  return [
    ['log', place.log, String(logMaxBytes)],
    ['keep', String(logFilesMax)],
    ['record', place.record, place.containerId],
    ['event', place.eventMarker],
    ...place.cgroups.map(({ directory }): Operation => ['cgroup', directory]),
    ['oomscore', String(config.oomScore)],
    ...namespaces(place),
    ...rootFileSystem(config, place),
    ...mounts(config),
    ...program(config, image, place.user),
  ]
}

function namespaces({ netns, ipcns, utsns, pidns }: ContainerPlace): Operation[] {
  return [
    ...(netns ? [['netns', netns] as const] : []),
    ...(ipcns ? [['ipcns', ipcns] as const] : []),
    ['utsns', utsns],
    ...(pidns ? [['pidns', pidns] as const] : []),
  ]
}

function rootFileSystem(config: ContainerConfig, place: ContainerPlace): Operation[] {
  const { writable } = place
  const access = config.privileged ? 'rw' : 'ro'
  const proc = config.procMount === 'Unmasked' ? 'rw' : access
  return [
    ['overlay', `${writable}/root`, '/', `${writable}/upper`, `${writable}/work`],
    ...place.hostMounts.map((path): Operation => ['bind', path, path, 'ro']),
    ...place.masked.map((path): Operation => ['mask', path]),
    ['bind', `${writable}/home`, '/root', 'rw'],
    ['bind', `${writable}/tmp`, '/tmp', 'rw'],
    ['tmpfs', '/run', '755', '64m'],
    ['dev', config.privileged ? 'host' : 'own'],
    ['proc', proc],
    ['sys', access],
    ...controlGroups(place, access),
    ['bind', place.fairwayRoot, '/opt/fairway', 'ro'],
    ...place.files.map(({ source, target, access }): Operation => ['bind', source, target, access]),
    ['bind', place.message, config.terminationMessage.path, 'rw'],
    ...(config.readOnlyRoot ? readOnlyPlaces(place) : []),
  ]
}

const groupsRoot = '/sys/fs/cgroup'

/** What programs look at to know how much they may use. */
function controlGroups({ cgroups }: ContainerPlace, access: 'ro' | 'rw'): Operation[] {
  const inSight = cgroups.filter(({ mount }) => `${mount}/`.startsWith(`${groupsRoot}/`))
  return [
    ...(inSight.some(({ mount }) => mount !== groupsRoot) ? [['tmpfs', groupsRoot, '755', '64k'] as const] : []),
    ...inSight.map(({ directory, mount }): Operation => ['bind', directory, mount, access]),
  ]
}

/** All that stands for the image's file system. The pod's own files in /etc are the kubelet's, not the image's. */
function readOnlyPlaces({ files }: ContainerPlace): Operation[] {
  const copies = files.filter(({ target, access }) => access === 'rw' && !target.startsWith('/etc/'))
  return ['/', '/root', '/tmp', '/run', ...copies.map(({ target }) => target)].map((path) => ['readonly', path])
}

/** A mount inside another's directory comes after it. */
function mounts({ mounts }: ContainerConfig): Operation[] {
  return [...mounts]
    .sort((a, b) => a.target.split('/').length - b.target.split('/').length)
    .flatMap(({ source, target, readOnly, sourceLinks, propagation }): Operation[] => {
      const mount: Operation =
        propagation === 'None'
          ? ['bind', source, target, readOnly === 'recursive' ? 'rro' : readOnly ? 'ro' : 'rw']
          : ['tree', source, target, readOnly ? 'ro' : 'rw', propagation === 'Bidirectional' ? 'shared' : 'slave']
      return sourceLinks === 'refused' ? [['nolinks', source], mount] : [mount]
    })
}

function program(config: ContainerConfig, { entry }: Image, { uid, gid, groups, home }: User): Operation[] {
  const terminal = config.tty ? { TERM: 'xterm' } : {}
  const held = heldCapabilities({ privileged: config.privileged, ...config.capabilities })
  const env = { PATH: programPath.join(':'), HOME: home, ...terminal, ...entry.env, ...config.env }
  return [
    ['cwd', config.workingDir || entry.workingDir || '/'],
    ['user', String(uid), String(gid), groups.join(' ')],
    ['caps', capabilityMask(held)],
    ...systemCallFilter(config, held),
    ...(config.noNewPrivileges ? [['nonewprivs'] as const] : []),
    ...(config.stdin ? [['stdin', config.stdin] as const] : []),
    ...(config.tty ? [['tty'] as const] : []),
    ...Object.entries(env).map(([name, value]): Operation => ['env', name, value]),
    ...commandLine(config, entry).map((word): Operation => ['arg', word]),
  ]
}

function systemCallFilter({ seccomp }: ContainerConfig, held: ReadonlySet<Capability>): Operation[] {
  if (seccomp === 'Unconfined' || !isArchitecture(arch)) return []
  return [['seccomp', Buffer.from(seccompFilter(arch, held)).toString('hex')]]
}

/** `command` replaces the image's entry point and its arguments, `args` only the arguments. */
export function commandLine(
  { command, args }: Pick<ContainerConfig, 'command' | 'args'>,
  image: { readonly entrypoint?: readonly string[]; readonly command?: readonly string[] },
): string[] {
  if (command && command.length > 0) return [...command, ...(args ?? [])]
  return [...(image.entrypoint ?? []), ...(args && args.length > 0 ? args : (image.command ?? []))]
}
