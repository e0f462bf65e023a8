/** Whom a container runs as: what the pod asks for, completed from the image's /etc/passwd and /etc/group. Pure. */

export interface UserRequest {
  /** Absent: the image's, which is root. */
  readonly uid?: number
  /** Absent: that of the user in /etc/passwd, else 0. */
  readonly gid?: number
  readonly groups: readonly number[]
  /** Whether the groups that /etc/group gives the user come to them (KEP-3619). */
  readonly policy: 'Merge' | 'Strict'
}

export interface User {
  readonly uid: number
  readonly gid: number
  /** The first is the primary one. */
  readonly groups: readonly number[]
  readonly home: string
}

/** Texts of /etc/passwd and /etc/group. */
export interface Accounts {
  readonly passwd: string
  readonly group: string
}

/** What Debian and Ubuntu leave to people; a machine's people are in nobody's image. */
const peopleMin = 1000
const nobody = 65534

export function resolveUser(request: UserRequest, accounts: Accounts): User {
  const uid = request.uid ?? 0
  const account = isOfImage(uid) ? findAccount(uid, accounts.passwd) : undefined
  const gid = request.gid ?? account?.gid ?? 0
  const merged = request.policy === 'Merge' && account ? groupsOf(account.name, accounts.group) : []
  return { uid, gid, groups: [...new Set([gid, ...merged, ...request.groups])], home: account?.home || '/' }
}

function isOfImage(id: number): boolean {
  return id < peopleMin || id === nobody
}

function fieldsOf(text: string): string[][] {
  return text.split('\n').map((line) => line.split(':'))
}

/** passwd(5) */
function findAccount(uid: number, passwd: string) {
  const found = fieldsOf(passwd).find((fields) => fields[2] === String(uid))
  if (!found) return undefined
  const [name = '', , , gid, , home = ''] = found
  return { name, gid: Number(gid), home }
}

/** group(5) */
function groupsOf(name: string, group: string): number[] {
  return fieldsOf(group)
    .filter(([, , , members = '']) => members.split(',').includes(name))
    .map(([, , gid]) => Number(gid))
    .filter(isOfImage)
}
