/** fsGroup: a volume's files belong to the pod's group, which may do with them what the volume allows. */
import { chmodSync, chownSync, closeSync, constants, fstatSync, lchownSync, openSync, readdirSync } from 'node:fs'

const setGroupId = 0o2000
/** open(2): names a file without opening it, whatever it is. */
const onlyPath = 0o10000000

/**
 * The directory and all below it; modes only grow (kubelet's SetVolumeOwnership). Containers may be writing there, and
 * move links to where a file was: every part is held while it is looked at, so that none leads out of the volume.
 */
export function giveToGroup(path: string, gid: number, access: 'ro' | 'rw'): void {
  const handle = openSync(path, onlyPath | constants.O_NOFOLLOW)
  try {
    const held = `/proc/self/fd/${handle}`
    const { uid, mode } = fstatSync(handle)
    const kind = mode & constants.S_IFMT
    if (kind === constants.S_IFLNK) return lchownSync(path, uid, gid)
    chownSync(held, uid, gid)
    const isDirectory = kind === constants.S_IFDIR
    const added = (access === 'rw' ? 0o660 : 0o440) | (isDirectory ? setGroupId | 0o110 : 0)
    chmodSync(held, (mode & 0o7777) | added)
    if (!isDirectory) return
    for (const name of readdirSync(held)) giveToGroup(`${held}/${name}`, gid, access)
  } finally {
    closeSync(handle)
  }
}
