/** Tokens in Secrets of type kubernetes.io/service-account-token: no end, no audience; the secret is what counts. Pure. */
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
