/** Where a container sees the pod's volumes. */
import { closeSync, constants, fchmodSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Container, Pod, Volume, VolumeMount } from '../../../api/generated/v1.ts'
import type { Mount } from '../../runtime/contract.ts'
import { ConfigError, expand } from '../environment.ts'

export interface MountSources {
  readonly pod: Pod
  readonly env: Readonly<Record<string, string>>
  /** Directory (or file) on the node, by volume. */
  readonly directories: ReadonlyMap<string, string>
}

/** Makes directories for subPaths that are not there yet. */
export function containerMounts(container: Container, sources: MountSources): Mount[] {
  return (container.volumeMounts ?? []).map((mount) => {
    const root = sources.directories.get(mount.name)
    const volume = sources.pod.spec?.volumes?.find(({ name }) => name === mount.name)
    if (root === undefined || !volume) {
      throw new ConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`)
    }
    const subPath = subPathOf(mount, sources.env)
    return {
      source: subPath ? preparedSubPath(root, subPath, mount, container) : root,
      target: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
      readOnly: isSealed(mount) ? 'recursive' : mount.readOnly === true || isReadOnly(volume),
      sourceLinks: subPath ? 'refused' : 'followed',
      propagation: (mount.mountPropagation as Mount['propagation'] | undefined) ?? 'None',
    }
  })
}

function subPathOf({ subPath = '', subPathExpr }: VolumeMount, env: Readonly<Record<string, string>>): string {
  if (!subPathExpr) return checked(subPath)
  const unknown = [...subPathExpr.matchAll(/(?<!\$)\$\(([^)]*)\)/g)].find(([, name = '']) => env[name] === undefined)
  if (unknown) throw new ConfigError(`missing value for "${unknown[1]}"`)
  return checked(expand(subPathExpr, env))
}

function checked(subPath: string): string {
  if (subPath.startsWith('/')) throw new ConfigError(`error SubPath \`${subPath}\` must not be an absolute path`)
  if (subPath.split('/').includes('..')) {
    throw new ConfigError(`unable to provision SubPath \`${subPath}\`: must not contain '..'`)
  }
  return subPath
}

/** Resolved, so that no link of a container's making leads out of the volume; the runtime refuses one made since. */
function preparedSubPath(root: string, subPath: string, mount: VolumeMount, container: Container): string {
  const path = join(root, subPath)
  try {
    const within = realpathSync(root)
    if (!statSync(path, { throwIfNoEntry: false })) makeBelow(within, path, statSync(root).mode & 0o7777)
    const resolved = realpathSync(path)
    if (resolved === within || resolved.startsWith(`${within}/`)) return resolved
  } catch {
    // Told below, without a path of the node.
  }
  throw new ConfigError(`failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`)
}

/**
 * Not through a link that leads elsewhere: its nearest parent must be in the volume. From there on every directory is
 * held while the next one is made in it, so that none that a container puts in its place meanwhile is gone through.
 */
export function makeBelow(within: string, path: string, mode: number): void {
  let parent = join(path, '..')
  while (!statSync(parent, { throwIfNoEntry: false })) parent = join(parent, '..')
  const resolved = realpathSync(parent)
  if (resolved !== within && !resolved.startsWith(`${within}/`)) throw new Error(`${path} leaves its volume`)
  let held = openDirectory(within)
  try {
    for (const part of [...parts(within, resolved), ...parts(parent, path)]) {
      const place = `/proc/self/fd/${held}/${part}`
      const made = makeIfMissing(place, mode)
      const next = openDirectory(place)
      closeSync(held)
      held = next
      // The process's mask took from it what the container's users may need.
      if (made) fchmodSync(held, mode)
    }
  } finally {
    closeSync(held)
  }
}

const parts = (from: string, to: string) => relative(from, to).split('/').filter(Boolean)

/** Throws for a link. */
function openDirectory(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
}

/** Was it missing? mkdir(2) takes a link of the name for something that is there. */
function makeIfMissing(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** Read-only with all that is mounted below it (KEP-3857); every kernel that Fairway runs on can do it. */
export function isSealed({ recursiveReadOnly }: VolumeMount): boolean {
  return recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible'
}

/** Kinds that the kubelet never lets a container write to. */
function isReadOnly({ configMap, secret, downwardAPI, projected, persistentVolumeClaim }: Volume): boolean {
  return Boolean(configMap ?? secret ?? downwardAPI ?? projected) || persistentVolumeClaim?.readOnly === true
}
