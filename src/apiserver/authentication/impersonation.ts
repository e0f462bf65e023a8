/**
 * Impersonation: whoever may act as somebody else says so in headers, and is that user from then on
 * (`kubectl --as`, upstream's impersonation filter).
 */
import { internalError } from '../../api/machinery/status.ts'
import type { ResourceAttributes } from '../authorization/attributes.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { notAllowed } from '../authorization/forbidden.ts'
import type { UserInfo } from '../handler.ts'
import { accountGroups, parseAccountUserName } from './claims.ts'

const prefix = 'impersonate-'
const extraPrefix = 'impersonate-extra-'
const anonymousName = 'system:anonymous'

type Headers = Readonly<Record<string, string>>

export function impersonates(headers: Headers): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true
  return false
}

interface Wanted {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** The user that the request is to be taken for. Throws where the one who asks may not be taken for it. */
export async function impersonated(authorizer: Authorizer, user: UserInfo, headers: Headers): Promise<UserInfo> {
  const wanted = wantedUser(headers)
  const asked = requests(user, wanted)
  if (asked.length === 0) return user
  if (!wanted.name) {
    const what = asked.map(({ resource, name }) => `${resource} ${JSON.stringify(name)}`).join(', ')
    throw internalError(`requested ${what} without impersonating a user`)
  }
  for (const attributes of asked) {
    const { allowed, reason } = await authorizer.authorize(attributes)
    if (!allowed) throw notAllowed(attributes, reason)
  }
  const { name, uid, extra } = wanted
  return { name, groups: groupsOf(wanted), ...(uid && { uid }), ...(Object.keys(extra).length > 0 && { extra }) }
}

function wantedUser(headers: Headers): Wanted {
  const extra: Record<string, string[]> = {}
  for (const [header, value] of Object.entries(headers)) {
    if (header.startsWith(extraPrefix)) extra[decoded(header.slice(extraPrefix.length))] = listOf(value)
  }
  return {
    name: headers['impersonate-user'] ?? '',
    uid: headers['impersonate-uid'] ?? '',
    groups: listOf(headers['impersonate-group'] ?? ''),
    extra,
  }
}

/** Headers sent several times arrive as one. */
function listOf(value: string): string[] {
  return value.split(', ').filter(Boolean)
}

/** Keys may hold what header names cannot, percent-encoded. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}

/** One question to the authorizer for each part of the identity. */
function requests(user: UserInfo, { name, uid, groups, extra }: Wanted): ResourceAttributes[] {
  const ask = (resource: string, value: string, more: Partial<ResourceAttributes> = {}): ResourceAttributes => ({
    type: 'resource',
    user,
    verb: 'impersonate',
    group: '',
    version: 'v1',
    resource,
    subresource: '',
    namespace: '',
    name: value,
    selected: [],
    ...more,
  })
  const authentication = { group: 'authentication.k8s.io' }
  const account = parseAccountUserName(name)
  return [
    ...(account ? [ask('serviceaccounts', account.name, { namespace: account.namespace })] : []),
    ...(name && !account ? [ask('users', name)] : []),
    ...groups.map((group) => ask('groups', group)),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ask('userextras', value, { ...authentication, subresource: key })),
    ),
    ...(uid ? [ask('uids', uid, authentication)] : []),
  ]
}

/** With the groups that such a user always has. */
function groupsOf({ name, groups }: Wanted): string[] {
  const account = parseAccountUserName(name)
  const own = groups.length === 0 && account ? accountGroups(account.namespace) : [...groups]
  const usual = name === anonymousName ? 'system:unauthenticated' : 'system:authenticated'
  const other = name === anonymousName ? 'system:authenticated' : 'system:unauthenticated'
  return own.includes(usual) || own.includes(other) ? own : [...own, usual]
}
