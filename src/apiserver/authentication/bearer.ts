/** Bearer tokens of requests. */
import type { UserInfo } from '../handler.ts'
import { type ServiceAccountTokens, TokenError } from './tokens.ts'

const socketProtocolPrefix = 'base64url.bearer.authorization.k8s.io.'

/** The token a request carries: in its header, or, from browsers, among the subprotocols of a WebSocket. */
export function bearerToken(headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined {
  const { authorization, 'sec-websocket-protocol': protocols } = headers
  if (typeof authorization === 'string') {
    const [scheme = '', token] = authorization.trim().split(' ')
    if (scheme.toLowerCase() === 'bearer' && token) return token
  }
  if (typeof protocols !== 'string') return undefined
  const offered = protocols.split(',').map((protocol) => protocol.trim())
  const encoded = offered.find((protocol) => protocol.startsWith(socketProtocolPrefix))
  return encoded && Buffer.from(encoded.slice(socketProtocolPrefix.length), 'base64url').toString()
}

/** Subprotocols without the one that is a token: that is no business of whoever serves the WebSocket. */
export function withoutToken(protocols: string): string {
  const offered = protocols.split(',').map((protocol) => protocol.trim())
  return offered.filter((protocol) => !protocol.startsWith(socketProtocolPrefix)).join(', ')
}

/** undefined: the token is nobody's. */
export function userOfToken(tokens: ServiceAccountTokens, token: string): UserInfo | Promise<UserInfo | undefined> {
  return tokens.recall(token) ?? authenticate(tokens, token)
}

async function authenticate(tokens: ServiceAccountTokens, token: string): Promise<UserInfo | undefined> {
  try {
    return (await tokens.authenticate(token))?.user
  } catch (error) {
    if (error instanceof TokenError) return undefined
    throw error
  }
}
