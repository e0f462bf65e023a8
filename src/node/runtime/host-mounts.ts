/** File systems of the host: those mounted apart from its root, which an overlay of `/` does not show, and who shares. Pure. */

/** Where programs and their data live. */
const wanted = ['/usr', '/opt', '/srv', '/var', '/lib', '/bin', '/sbin']

const diskTypes = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'squashfs', 'erofs', 'overlay'])

/** Mount points to show containers, parents first; `mountinfo` as in proc(5). */
export function separateMounts(mountinfo: string, masked: readonly string[]): string[] {
  const points = mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const point = before.split(' ')[4] ?? ''
    const type = after.split(' ')[0] ?? ''
    return diskTypes.has(type) && isWithin(point, wanted) && !isWithin(point, masked) ? [point] : []
  })
  return [...new Set(points)].sort()
}

function isWithin(point: string, directories: readonly string[]): boolean {
  return directories.some((directory) => point === directory || point.startsWith(`${directory}/`))
}

/** Why mounts made below `path` could not be told to the host; undefined when they can. `mountinfo` as in proc(5). */
export function notShared(mountinfo: string, path: string): string | undefined {
  const mounts = mountinfo.split('\n').map((line) => line.split(' '))
  const holding = mounts.filter(([, , , , point = '']) => point !== '' && (point === '/' || isWithin(path, [point])))
  // The last of the longest: a later mount hides an earlier one.
  const [, , , , point = '/', , ...rest] = holding.reduce(
    (best, mount) => ((mount[4] ?? '').length >= (best[4] ?? '').length ? mount : best),
    [] as string[],
  )
  const optional = rest.slice(0, rest.indexOf('-'))
  if (optional.some((field) => field.startsWith('shared:'))) return undefined
  return `path "${path}" is mounted on "${point}" but it is not a shared mount`
}
