/**
 * Service account tokens: signed here, and taken back as long as their account, and the pod, node or secret they are
 * bound to, are the ones they were made for. A verified token is remembered, so that a request costs a few look-ups in
 * memory; what it depends on is looked at every time.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import type { KubeObject } from '../../api/machinery/object.ts'
import type { Resource } from '../../client/contract.ts'
import { resources } from '../../client/resources.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ServerObjects } from '../cache/objects.ts'
import type { UserInfo } from '../handler.ts'
import {
  accountUserName,
  type Claims,
  type KubernetesClaims,
  type ObjectRef,
  readClaims,
  userOfClaims,
} from './claims.ts'
import { parseToken, TokenKey } from './jwt.ts'

/** Why a token is not taken; the message is for whoever reviews it. */
export class TokenError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TokenError'
  }
}

export interface TokensOptions {
  /** `iss` of every token, and its audience where nobody asks for another. */
  readonly issuer: string
  /** PEM. Absent: one that lives as long as the server. */
  readonly keyPem?: string
  readonly objects: ServerObjects
  readonly clock: Clock
}

export interface AuthenticatedToken {
  readonly user: UserInfo
  /** Those of the token that were asked for. */
  readonly audiences: readonly string[]
}

/** Clocks differ; a token is taken this much before and after its time, as upstream. */
const leewaySeconds = 60
const knownMax = 2000

interface Known {
  readonly claims: Claims
  readonly user: UserInfo
}

export class ServiceAccountTokens {
  readonly issuer: string
  readonly #keyPem: string | undefined
  readonly #objects: ServerObjects
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()
  #key: TokenKey | undefined

  constructor({ issuer, keyPem, objects, clock }: TokensOptions) {
    this.issuer = issuer
    this.#keyPem = keyPem
    this.#objects = objects
    this.#clock = clock
  }

  /** Made when first needed: a server may never be asked. */
  get key(): TokenKey {
    this.#key ??= new TokenKey(this.#keyPem ?? ephemeralKey())
    return this.#key
  }

  get audiences(): readonly string[] {
    return [this.issuer]
  }

  sign(
    kubernetes: KubernetesClaims,
    { audiences, seconds, now }: { audiences: readonly string[]; seconds: number; now: Date },
  ): string {
    const iat = Math.floor(now.getTime() / 1000)
    const claims: Claims = {
      aud: audiences,
      exp: iat + seconds,
      iat,
      iss: this.issuer,
      jti: randomUUID(),
      'kubernetes.io': kubernetes,
      nbf: iat,
      sub: accountUserName(kubernetes.namespace, kubernetes.serviceaccount.name),
    }
    return this.key.sign(claims)
  }

  /** The user of a token that was seen before and still holds, as far as memory can tell; else undefined: ask `authenticate`. */
  recall(token: string): UserInfo | undefined {
    const known = this.#known.get(token)
    if (!known || this.#timeProblem(known.claims) || !isForServer(known.claims, this.audiences)) return undefined
    const holds = boundObjects(known.claims).every(({ resource, at, ref }) =>
      this.#isLive(this.#objects.peek(resource, at), ref),
    )
    return holds ? known.user : undefined
  }

  /** Throws TokenError. undefined: not a token of this issuer. */
  async authenticate(
    token: string,
    audiences: readonly string[] = this.audiences,
  ): Promise<AuthenticatedToken | undefined> {
    const known = this.#known.get(token) ?? this.#verify(token)
    if (!known) return undefined
    const { claims, user } = known
    const problem = this.#timeProblem(claims)
    if (problem) throw new TokenError(problem)
    const shared = claims.aud.filter((audience) => audiences.includes(audience))
    if (shared.length === 0) {
      const why = `token audiences ${goStrings(claims.aud)} is invalid for the target audiences ${goStrings(audiences)}`
      throw new TokenError(why)
    }
    for (const bound of boundObjects(claims)) await this.#requireBound(bound)
    this.#remember(token, known)
    return { user, audiences: shared }
  }

  #verify(token: string): Known | undefined {
    const parsed = parseToken(token)
    if (parsed?.claims['iss'] !== this.issuer) return undefined
    if (!this.key.verify(parsed)) throw new TokenError('failed to verify signature')
    const claims = readClaims(parsed.claims)
    if (!claims) throw new TokenError('service account token claims could not be validated')
    return { claims, user: userOfClaims(claims) }
  }

  #timeProblem({ exp, nbf }: Claims): string | undefined {
    const now = this.#clock.now().getTime() / 1000
    if (now - leewaySeconds > exp) return 'service account token has expired'
    return now + leewaySeconds < nbf ? 'service account token is not valid yet' : undefined
  }

  async #requireBound({ kind, resource, at, ref }: Bound): Promise<void> {
    const object = await this.#objects.find(resource, at)
    if (this.#isLive(object, ref)) return
    if (kind === 'serviceaccount' && !object)
      throw new TokenError(`serviceaccounts ${JSON.stringify(at.name)} not found`)
    if (!object) throw new TokenError('service account token has been invalidated')
    const { uid } = object.metadata
    if (uid === ref.uid) {
      const gone = kind === 'serviceaccount' ? `${kind} ${at.namespace}/${at.name} has been deleted` : undefined
      throw new TokenError(gone ?? 'service account token has been invalidated')
    }
    const why =
      kind === 'serviceaccount'
        ? `service account UID (${uid}) does not match claim (${ref.uid})`
        : `${kind} UID (${uid}) does not match service account ${kind} ref claim (${ref.uid})`
    throw new TokenError(why)
  }

  /** What was deleted and only waits for its end does not count for long. */
  #isLive(object: KubeObject | undefined, ref: ObjectRef): boolean {
    if (!object || object.metadata.uid !== ref.uid) return false
    const { deletionTimestamp } = object.metadata
    return !deletionTimestamp || Date.parse(deletionTimestamp) >= this.#clock.now().getTime() - leewaySeconds * 1000
  }

  /** The oldest goes when there are too many. */
  #remember(token: string, known: Known): void {
    if (this.#known.has(token)) return
    const [oldest] = this.#known.keys()
    if (this.#known.size >= knownMax && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(token, known)
  }
}

function isForServer({ aud }: Claims, audiences: readonly string[]): boolean {
  return aud.some((audience) => audiences.includes(audience))
}

interface Bound {
  readonly kind: 'serviceaccount' | 'pod' | 'secret' | 'node'
  readonly resource: Resource<KubeObject>
  readonly at: { readonly namespace?: string; readonly name: string }
  readonly ref: ObjectRef
}

/** What must be there. A pod's node is told in its token too, but the pod is what counts. */
function boundObjects({ 'kubernetes.io': { namespace, serviceaccount, pod, secret, node } }: Claims): Bound[] {
  const bound = (kind: Bound['kind'], resource: Resource<KubeObject>, ref: ObjectRef | undefined): Bound[] =>
    ref ? [{ kind, resource, ref, at: { name: ref.name, ...(kind !== 'node' && { namespace }) } }] : []
  return [
    ...bound('serviceaccount', resources.serviceAccounts, serviceaccount),
    ...bound('pod', resources.pods, pod),
    ...bound('secret', resources.secrets, secret),
    ...bound('node', resources.nodes, pod ? undefined : node),
  ]
}

/** Go's `%q` of a list. */
function goStrings(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}

function ephemeralKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
