/** JSON Web Tokens (RFC 7519) in compact form, signed with ES256 or RS256, whichever the key is for. */

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { isObject } from '../../api/machinery/json-object.ts'

export interface JsonWebKey {
  readonly use: 'sig'
  readonly kty: string
  readonly kid: string
  readonly alg: string
  readonly [parameter: string]: unknown
}

/** A key pair that tokens are signed with. */
export class TokenKey {
  readonly #private: KeyObject
  readonly #public: KeyObject
  readonly alg: 'ES256' | 'RS256'
  /** As client libraries expect it of Kubernetes: the hash of the public key. */
  readonly kid: string
  readonly #head: string

  constructor(keyPem: string) {
    this.#private = createPrivateKey(keyPem)
    this.#public = createPublicKey(this.#private)
    this.alg = this.#private.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256'
    const spki = this.#public.export({ type: 'spki', format: 'der' })
    this.kid = createHash('sha256').update(spki).digest('base64url')
    this.#head = encode({ alg: this.alg, kid: this.kid })
  }

  sign(claims: object): string {
    const signed = `${this.#head}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(signed), { key: this.#private, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }

  /** False also for tokens that ask for another algorithm than the key's. */
  verify(token: ParsedToken): boolean {
    if (token.header.alg !== this.alg) return false
    const key = { key: this.#public, dsaEncoding: 'ieee-p1363' } as const
    return verify('sha256', Buffer.from(token.signed), key, token.signature)
  }

  jwk(): JsonWebKey {
    const { kty = '', ...parameters } = this.#public.export({ format: 'jwk' })
    return { use: 'sig', kty, kid: this.kid, alg: this.alg, ...parameters }
  }
}

export interface ParsedToken {
  readonly header: { readonly alg?: unknown; readonly kid?: unknown }
  readonly claims: Readonly<Record<string, unknown>>
  readonly signed: string
  readonly signature: Buffer
}

/** undefined: not a token of this form. Nothing in it is verified. */
export function parseToken(token: string): ParsedToken | undefined {
  const [header = '', claims = '', signature = '', ...more] = token.split('.')
  if (!header || !claims || !signature || more.length > 0) return undefined
  const read = { header: decode(header), claims: decode(claims) }
  if (!read.header || !read.claims) return undefined
  return {
    header: read.header,
    claims: read.claims,
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
