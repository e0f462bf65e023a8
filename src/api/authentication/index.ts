/**
 * The group authentication.k8s.io, v1: questions about who somebody is. Never stored: a create is answered. Knows
 * nothing of other groups, of the store or of the server.
 */
import type { SelfSubjectReview, TokenRequest, TokenReview } from '../generated/authentication.k8s.io.v1.ts'
import type { FieldError } from '../machinery/field.ts'
import { invalid, Path } from '../machinery/field.ts'
import { declareResource, type ResourceDefinition } from '../resource.ts'

const group = 'authentication.k8s.io'
const scope = { group, version: 'v1', namespaced: false, verbs: ['create'], columns: [] } as const

export const authenticationDefinitions: readonly ResourceDefinition[] = [
  declareResource<SelfSubjectReview>({
    ...scope,
    kind: 'SelfSubjectReview',
    plural: 'selfsubjectreviews',
    singular: 'selfsubjectreview',
  }),
  declareResource<TokenReview>({ ...scope, kind: 'TokenReview', plural: 'tokenreviews', singular: 'tokenreview' }),
]

export const tokenRequestKind = { group, version: 'v1', kind: 'TokenRequest' } as const

const secondsDefault = 3600
const secondsMin = 600
const secondsMax = 2 ** 32

/** Fills in how long the token is to last; its audiences are the server's to fill in. */
export function setTokenRequestDefaults(request: TokenRequest): void {
  const spec = (request.spec ??= {})
  spec.expirationSeconds ??= secondsDefault
}

export function validateTokenRequest({ spec }: TokenRequest): FieldError[] {
  const seconds = spec?.expirationSeconds ?? 0
  const path = Path.of('spec', 'expirationSeconds')
  if (seconds < secondsMin) return [invalid(path, seconds, 'may not specify a duration less than 10 minutes')]
  if (seconds > secondsMax) return [invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')]
  return []
}
