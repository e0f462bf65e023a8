/** Which subjects of bindings a user is. Pure. */
import type { Subject } from '../../api/generated/rbac.authorization.k8s.io.v1.ts'
import { parseAccountUserName } from '../authentication/claims.ts'
import type { UserInfo } from '../handler.ts'

/** One text per subject; `namespace` is the binding's, for accounts that name none. */
export function subjectKey({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  return kind === 'ServiceAccount' ? `${kind}/${namespace || bindingNamespace}/${name}` : `${kind}/${name}`
}

/** The keys of all subjects that stand for this user. */
export function keysOfUser({ name, groups }: UserInfo): string[] {
  const account = parseAccountUserName(name)
  return [
    `User/${name}`,
    ...groups.map((group) => `Group/${group}`),
    ...(account ? [`ServiceAccount/${account.namespace}/${account.name}`] : []),
  ]
}

/** As upstream tells a subject in reasons. */
export function describeSubject({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  const text = kind === 'ServiceAccount' ? `${name}/${namespace || bindingNamespace}` : name
  return `${kind} ${JSON.stringify(text)}`
}
