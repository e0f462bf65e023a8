/** Tokens in Secrets of type kubernetes.io/service-account-token: no end, no audience; the secret is what counts. Pure. */
import type { Secret } from '../../api/generated/v1.ts'
import { accountUserName, type Claims } from './claims.ts'

export const legacyIssuer = 'kubernetes/serviceaccount'

const names = {
  namespace: `kubernetes.io/serviceaccount/namespace`,
  secret: `kubernetes.io/serviceaccount/secret.name`,
  account: `kubernetes.io/serviceaccount/service-account.name`,
  uid: `kubernetes.io/serviceaccount/service-account.uid`,
} as const

export function legacyClaims(
  { namespace, name, uid }: { namespace: string; name: string; uid: string },
  secret: string,
) {
  return {
    iss: legacyIssuer,
    [names.namespace]: namespace,
    [names.secret]: secret,
    [names.account]: name,
    [names.uid]: uid,
    sub: accountUserName(namespace, name),
  }
}

/** In the form of newer tokens; undefined: they are not what this cluster writes. */
export function readLegacyClaims(
  claims: Readonly<Record<string, unknown>>,
  audiences: readonly string[],
): Claims | undefined {
  const read = (name: string) => {
    const value = claims[name]
    return typeof value === 'string' ? value : ''
  }
  const namespace = read(names.namespace)
  const account = { name: read(names.account), uid: read(names.uid) }
  const secret = read(names.secret)
  const sub = accountUserName(namespace, account.name)
  if (!namespace || !account.name || !secret || claims['sub'] !== sub) return undefined
  return {
    aud: audiences,
    exp: Number.POSITIVE_INFINITY,
    iat: 0,
    iss: legacyIssuer,
    jti: '',
    'kubernetes.io': { namespace, serviceaccount: account, secret: { name: secret } },
    nbf: 0,
    sub,
  }
}

const lastUsedLabel = 'kubernetes.io/legacy-token-last-used'
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'

const dayMs = 24 * 60 * 60 * 1000
const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10)

/** A merge patch that says in a label of the secret when its token was used (KEP-2799). */
export interface NoteOfUse {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> }
}

/** undefined: it is said already, perhaps by a server that is a day ahead. */
export function noteOfUse({ metadata }: Secret, now: Date): NoteOfUse | undefined {
  const [today, tomorrow] = [dayOf(now.getTime()), dayOf(now.getTime() + dayMs)]
  const said = metadata?.labels?.[lastUsedLabel]
  if (said === today || said === tomorrow) return undefined
  return { metadata: { labels: { [lastUsedLabel]: today } } }
}

/** Somebody has marked the token as one that nobody should use any more. */
export function isInvalidated({ metadata }: Secret): boolean {
  return Boolean(metadata?.labels?.[invalidSinceLabel])
}

export function invalidation({ metadata }: Secret, account: string): string {
  const { namespace, name } = metadata ?? {}
  const advice = `Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`
  return `the token in secret ${namespace}/${name} for service account ${namespace}/${account} has been marked invalid. ${advice}`
}
