/** ServiceAccount tokens of pods, bound to them (TokenRequest), asked for anew well before they expire. */
import type { TokenRequest } from '../../../api/generated/authentication.k8s.io.v1.ts'
import type { Pod, ServiceAccountTokenProjection } from '../../../api/generated/v1.ts'
import { type KubeClient, resources } from '../../../client/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/log.ts'

export interface TokensOptions {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Logger
}

/** Times are milliseconds since the epoch. */
interface Token {
  readonly text: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly refreshAt: number
}

const defaultSeconds = 3600
/** Of its life; and never older than a day. */
const refreshFraction = 0.8
const ageMaxMs = 24 * 3600 * 1000
/** Many pods of one start must not all ask in one moment. */
const jitterMaxMs = 10_000
/** When the API server had none for us. */
const retryMs = 10_000

export class Tokens {
  readonly #options: TokensOptions
  /** By pod uid, then by projection. */
  readonly #pods = new Map<string, Map<string, Token>>()

  constructor(options: TokensOptions) {
    this.#options = options
  }

  /** A token that is still good when the API server cannot give another one. */
  async get(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string> {
    const uid = pod.metadata.uid ?? ''
    const key = JSON.stringify([projection.audience, projection.expirationSeconds])
    const tokens = this.#pods.get(uid) ?? new Map<string, Token>()
    this.#pods.set(uid, tokens)
    const known = tokens.get(key)
    const now = this.#options.clock.now().getTime()
    // One from the future was made before the clock was set back.
    if (known && known.issuedAt <= now && now < known.refreshAt) return known.text
    const token = await this.#request(pod, projection).catch((error: unknown) => {
      if (!known || now >= known.expiresAt) throw error
      this.#options.log.warn({ err: error, pod: pod.metadata.name }, 'token not refreshed, the old one is kept')
      return { ...known, refreshAt: now + retryMs }
    })
    tokens.set(key, token)
    return token.text
  }

  /** When one of the pod's tokens must be asked for again, in milliseconds from now. */
  refreshInMs(uid: string): number | undefined {
    const times = [...(this.#pods.get(uid)?.values() ?? [])].map(({ refreshAt }) => refreshAt)
    return times.length > 0 ? Math.min(...times) - this.#options.clock.now().getTime() : undefined
  }

  forget(uid: string): void {
    this.#pods.delete(uid)
  }

  async #request({ metadata, spec }: Pod, projection: ServiceAccountTokenProjection): Promise<Token> {
    const { client, clock } = this.#options
    const { audience, expirationSeconds = defaultSeconds } = projection
    const request: TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: '' },
      spec: {
        audiences: audience ? [audience] : [],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid ?? '' },
      },
    }
    const at = { namespace: metadata.namespace ?? '', name: spec?.serviceAccountName || 'default' }
    const answer = (await client.createSubresource(resources.serviceAccounts, at, 'token', request)) as TokenRequest
    const { token = '', expirationTimestamp = '' } = answer.status ?? {}
    const lifeMs = (answer.spec?.expirationSeconds ?? expirationSeconds) * 1000
    const expiresAt = new Date(expirationTimestamp).getTime()
    const issuedAt = expiresAt - lifeMs
    const refreshAt = issuedAt + Math.min(lifeMs * refreshFraction, ageMaxMs) - Math.random() * jitterMaxMs
    return { text: token, issuedAt, expiresAt, refreshAt: Math.max(refreshAt, clock.now().getTime() + retryMs) }
  }
}
