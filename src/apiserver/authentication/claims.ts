/** What a service account's token says, and the user that follows from it (upstream's pkg/serviceaccount). Pure. */
import type { UserInfo } from '../handler.ts'

export interface ObjectRef {
  readonly name: string
  /** Absent of a node that is not there. */
  readonly uid?: string
}

/** The claim `kubernetes.io`. */
export interface KubernetesClaims {
  readonly namespace: string
  readonly node?: ObjectRef
  readonly pod?: ObjectRef
  readonly secret?: ObjectRef
  readonly serviceaccount: ObjectRef
  /** Seconds since the epoch from which on the token is used longer than it was asked for. */
  readonly warnafter?: number
}

export interface Claims {
  readonly aud: readonly string[]
  /** exp, iat and nbf in seconds since the epoch. */
  readonly exp: number
  readonly iat: number
  readonly iss: string
  readonly jti: string
  readonly 'kubernetes.io': KubernetesClaims
  readonly nbf: number
  readonly sub: string
}

export function accountUserName(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`
}

/** undefined: not the user name of a service account. */
export function parseAccountUserName(user: string): { namespace: string; name: string } | undefined {
  const [system, kind, namespace, name, ...more] = user.split(':')
  const account = system === 'system' && kind === 'serviceaccount' && namespace && name && more.length === 0
  return account ? { namespace, name } : undefined
}

export function accountGroups(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
}

export function userOfClaims({ jti, 'kubernetes.io': kubernetes }: Claims): UserInfo {
  const { namespace, serviceaccount, pod, node } = kubernetes
  const extra: Record<string, string[]> = {}
  const add = (key: string, value: string | undefined) => {
    if (value) extra[`authentication.kubernetes.io/${key}`] = [value]
  }
  add('credential-id', jti && `JTI=${jti}`)
  add('node-name', node?.name)
  add('node-uid', node?.uid)
  add('pod-name', pod?.name)
  add('pod-uid', pod?.uid)
  return {
    name: accountUserName(namespace, serviceaccount.name),
    uid: serviceaccount.uid ?? '',
    groups: [...accountGroups(namespace), 'system:authenticated'],
    extra,
  }
}

/** The claims of a verified token; undefined: they are not what this cluster writes. */
export function readClaims(claims: Readonly<Record<string, unknown>>): Claims | undefined {
  const { aud, exp, iat, iss, jti, nbf, sub } = claims
  const kubernetes = claims['kubernetes.io'] as Partial<KubernetesClaims> | undefined
  const { namespace, serviceaccount } = kubernetes ?? {}
  if (!Array.isArray(aud) || typeof exp !== 'number' || typeof iss !== 'string' || typeof sub !== 'string') {
    return undefined
  }
  if (!namespace || !serviceaccount?.name || sub !== accountUserName(namespace, serviceaccount.name)) return undefined
  return {
    aud: aud.map(String),
    exp,
    iat: Number(iat ?? 0),
    iss,
    jti: typeof jti === 'string' ? jti : '',
    'kubernetes.io': { ...kubernetes, namespace, serviceaccount },
    nbf: Number(nbf ?? 0),
    sub,
  }
}
