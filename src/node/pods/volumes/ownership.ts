/** fsGroup: a volume's files belong to the pod's group, which may do with them what the volume allows. */
import { chmodSync, lchownSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const setGroupId = 0o2000

/** The directory and all below it; modes only grow (kubelet's SetVolumeOwnership). */
export function giveToGroup(path: string, gid: number, access: 'ro' | 'rw'): void {
  const { uid, mode } = lstatSync(path)
  lchownSync(path, uid, gid)
  const kind = mode & 0o170000
  if (kind === 0o120000) return
  const isDirectory = kind === 0o040000
  const added = (access === 'rw' ? 0o660 : 0o440) | (isDirectory ? setGroupId | 0o110 : 0)
  chmodSync(path, (mode & 0o7777) | added)
  if (!isDirectory) return
  for (const name of readdirSync(path)) giveToGroup(join(path, name), gid, access)
}
