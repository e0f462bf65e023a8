/**
 * Service account tokens: signed here, and taken back as long as their account, and the pod, node or secret they are
 * bound to, are the ones they were made for. A verified token is remembered, so that a request costs a few look-ups in
 * memory; what it depends on is looked at every time.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { quotedList } from '../../api/machinery/go-types.ts'
import type { KubeObject } from '../../api/machinery/object.ts'
import { resources } from '../../client/resources.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ServerObjects } from '../cache/objects.ts'
import type { UserInfo } from '../handler.ts'
import { type Bound, boundObjects, refusal } from './bound-objects.ts'
import { accountUserName, type Claims, type KubernetesClaims, readClaims, userOfClaims } from './claims.ts'
import { parseToken, TokenKey } from './jwt.ts'
import {
  invalidation,
  isInvalidated,
  legacyClaims,
  legacyIssuer,
  type NoteOfUse,
  noteOfUse,
  readLegacyClaims,
} from './legacy.ts'

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
  /** Writes to a secret that its token was used. */
  readonly note: (secret: SecretAt, patch: NoteOfUse) => Promise<void>
}

interface SecretAt {
  readonly namespace: string
  readonly name: string
}

export interface AuthenticatedToken {
  readonly user: UserInfo
  /** Those of the token that were asked for. */
  readonly audiences: readonly string[]
}

/** Clocks differ; a token is taken this much before and after its time, as upstream. */
const leewaySeconds = 60
const knownMax = 2000

/** What is remembered of a token whose signature was right. */
interface Known {
  readonly claims: Claims
  readonly user: UserInfo
  readonly bound: readonly Bound[]
  /** The one it stands in, of a token that does. */
  readonly secret: SecretAt | undefined
}

export class ServiceAccountTokens {
  readonly issuer: string
  readonly #keyPem: string | undefined
  readonly #objects: ServerObjects
  readonly #clock: Clock
  readonly #note: TokensOptions['note']
  readonly #known = new Map<string, Known>()
  #key: TokenKey | undefined

  constructor({ issuer, keyPem, objects, clock, note }: TokensOptions) {
    this.issuer = issuer
    this.#keyPem = keyPem
    this.#objects = objects
    this.#clock = clock
    this.#note = note
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

  /** A token without an end, that counts as long as it stands in its secret (what Kubernetes made before 1.24). */
  signLegacy(account: { namespace: string; name: string; uid: string }, secret: string): string {
    return this.key.sign(legacyClaims(account, secret))
  }

  /** The user of a token that was seen before and still holds, as far as memory can tell; else undefined: ask `authenticate`. */
  recall(token: string): UserInfo | undefined {
    const known = this.#known.get(token)
    if (!known || this.#timeProblem(known.claims) || !isForServer(known.claims, this.audiences)) return undefined
    if (known.secret && !this.#isNoted(known.secret)) return undefined
    const holds = known.bound.every((bound) => this.#isLive(this.#objects.peek(bound.resource, bound.at), bound))
    return holds ? known.user : undefined
  }

  /** Throws TokenError. undefined: not a token of this issuer. */
  async authenticate(
    token: string,
    audiences: readonly string[] = this.audiences,
  ): Promise<AuthenticatedToken | undefined> {
    const known = this.#known.get(token) ?? this.#verify(token)
    if (!known) return undefined
    const { claims, user, bound } = known
    const shared = claims.aud.filter((audience) => audiences.includes(audience))
    if (shared.length === 0) {
      const why = `token audiences ${quotedList(claims.aud)} is invalid for the target audiences ${quotedList(audiences)}`
      throw new TokenError(why)
    }
    const problem = this.#timeProblem(claims)
    if (problem) throw new TokenError(problem)
    for (const one of bound) await this.#requireBound(one)
    if (known.secret) await this.#noteUse(known.secret, claims)
    this.#remember(token, known)
    return { user, audiences: shared }
  }

  #verify(token: string): Known | undefined {
    const parsed = parseToken(token)
    const isLegacy = parsed?.claims['iss'] === legacyIssuer
    if (!parsed || (parsed.claims['iss'] !== this.issuer && !isLegacy)) return undefined
    const { kid } = parsed.header
    if (kid && kid !== this.key.kid) throw new TokenError('invalid signature, no keys found')
    if (!this.key.verify(parsed)) throw new TokenError('go-jose/go-jose: error in cryptographic primitive')
    const claims = isLegacy ? readLegacyClaims(parsed.claims, this.audiences) : readClaims(parsed.claims)
    if (!claims) throw new TokenError('service account token claims could not be validated')
    const { namespace, secret } = claims['kubernetes.io']
    return {
      claims,
      user: userOfClaims(claims),
      bound: boundObjects(claims, isLegacy ? token : undefined),
      secret: isLegacy && secret ? { namespace, name: secret.name } : undefined,
    }
  }

  #isNoted(at: SecretAt): boolean {
    const secret = this.#objects.peek(resources.secrets, at)
    return secret !== undefined && !isInvalidated(secret) && !noteOfUse(secret, this.#clock.now())
  }

  /** Also of a use that is refused. */
  async #noteUse(at: SecretAt, claims: Claims): Promise<void> {
    const secret = await this.#objects.find(resources.secrets, at)
    const note = secret && noteOfUse(secret, this.#clock.now())
    if (note) await this.#note(at, note)
    const { name } = claims['kubernetes.io'].serviceaccount
    if (secret && isInvalidated(secret)) throw new TokenError(invalidation(secret, name))
  }

  #timeProblem({ exp, nbf }: Claims): string | undefined {
    const now = this.#clock.now().getTime() / 1000
    if (now - leewaySeconds > exp) return 'service account token has expired'
    return now + leewaySeconds < nbf ? 'service account token is not valid yet' : undefined
  }

  async #requireBound(bound: Bound): Promise<void> {
    const object = await this.#objects.find(bound.resource, bound.at)
    if (!this.#isLive(object, bound)) throw new TokenError(refusal(bound, object))
  }

  /** What was deleted and only waits for its end does not count for long. */
  #isLive(object: KubeObject | undefined, { isSame }: Bound): boolean {
    if (!object || !isSame(object)) return false
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

function ephemeralKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
