/** What others need to verify service account tokens by themselves (OpenID Connect Discovery 1.0, RFC 7517). */
import type { ApiResponse } from '../../client/transport.ts'
import { json } from '../http/respond.ts'
import type { ServiceAccountTokens } from './tokens.ts'

const configurationPath = '/.well-known/openid-configuration'
const keysPath = '/openid/v1/jwks'
export const issuerPaths: readonly string[] = [configurationPath, keysPath]

const cacheControl = 'public, max-age=3600'

/** undefined: another path. `serverAddress` is `host:port`. */
export function issuerPage(path: string, tokens: ServiceAccountTokens, serverAddress: string): ApiResponse | undefined {
  if (path === configurationPath) {
    const document = {
      issuer: tokens.issuer,
      jwks_uri: `https://${serverAddress}${keysPath}`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [tokens.key.alg],
    }
    return json(200, document, { 'content-type': 'application/json', 'cache-control': cacheControl })
  }
  if (path !== keysPath) return undefined
  const keys = { keys: [tokens.key.jwk()] }
  return json(200, keys, { 'content-type': 'application/jwk-set+json', 'cache-control': cacheControl })
}
