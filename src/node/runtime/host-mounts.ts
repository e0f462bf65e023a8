/** File systems of the host that are mounted apart from its root: an overlay of `/` does not show them. Pure. */

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
