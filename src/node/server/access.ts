/**
 * Who may use the agent's interface: as on a kubelet, the API server's certificate, and whoever the API server says may
 * use the node's subresource in question, by certificate or bearer token (webhook authentication and authorization).
 */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { TokenReview } from '../../api/generated/authentication.k8s.io.v1.ts'
import type { SubjectAccessReview } from '../../api/generated/authorization.k8s.io.v1.ts'
import type { Client } from '../../client/index.ts'
import type { Clock } from '../../lib/clock.ts'

export interface Refusal {
  readonly code: 401 | 403
  readonly text: string
}

interface User {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid?: string
}

export interface AgentAccessOptions {
  readonly client: Pick<Client, 'request'>
  readonly nodeName: string
  readonly clock: Clock
}

/** As the kubelet's defaults: how long an answer of the API server counts. */
const tokenMs = 2 * 60_000
const allowedMs = 5 * 60_000
const refusedMs = 30_000
const rememberedMax = 500
const privilegedGroup = 'system:masters'
const unauthorized: Refusal = { code: 401, text: 'Unauthorized' }

export class AgentAccess {
  readonly #options: AgentAccessOptions
  readonly #users: Remembered<User | undefined>
  readonly #decisions: Remembered<boolean>

  constructor(options: AgentAccessOptions) {
    this.#options = options
    this.#users = new Remembered(options.clock)
    this.#decisions = new Remembered(options.clock)
  }

  /** undefined: go on. */
  async refusal(request: IncomingMessage): Promise<Refusal | undefined> {
    const user = certifiedUser(request.socket as TLSSocket) ?? (await this.#userOfToken(request))
    if (!user) return unauthorized
    if (user.groups.includes(privilegedGroup)) return undefined
    const verb = verbs[request.method ?? ''] ?? ''
    const subresources = subresourcesOf(request.url ?? '/')
    for (const subresource of subresources) if (await this.#may(user, verb, subresource)) return undefined
    const what = `verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`
    return { code: 403, text: `Forbidden (user=${user.name}, ${what})\n` }
  }

  async #userOfToken({ headers }: IncomingMessage): Promise<User | undefined> {
    const [scheme = '', token] = (headers.authorization ?? '').trim().split(' ')
    if (scheme.toLowerCase() !== 'bearer' || !token) return undefined
    return this.#users.get(token, async () => {
      const review = await this.#review<TokenReview>('authentication.k8s.io', 'TokenReview', { token })
      const { authenticated, user } = review.status ?? {}
      const known = authenticated && user?.username ? user : undefined
      const value = known && {
        name: known.username ?? '',
        groups: known.groups ?? [],
        ...(known.uid && { uid: known.uid }),
      }
      return { value, forMs: value ? tokenMs : 0 }
    })
  }

  #may(user: User, verb: string, subresource: string): Promise<boolean> {
    const { name, groups, uid } = user
    return this.#decisions.get(JSON.stringify([name, groups, verb, subresource]), async () => {
      const resourceAttributes = { verb, resource: 'nodes', subresource, name: this.#options.nodeName, version: 'v1' }
      const spec = { user: name, groups: [...groups], ...(uid && { uid }), resourceAttributes }
      const review = await this.#review<SubjectAccessReview>('authorization.k8s.io', 'SubjectAccessReview', spec)
      const value = review.status?.allowed ?? false
      return { value, forMs: value ? allowedMs : refusedMs }
    })
  }

  #review<T>(group: string, kind: string, spec: object): Promise<T> {
    const apiVersion = `${group}/v1`
    return this.#options.client.request<T>('POST', `/apis/${apiVersion}/${kind.toLowerCase()}s`, {
      apiVersion,
      kind,
      spec,
    })
  }
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Some paths have a subresource of their own; whoever may use `proxy` may use all (KEP-2862). */
function subresourcesOf(url: string): string[] {
  const first = /^\/([^/?]*)/.exec(url)?.[1] ?? ''
  switch (first) {
    case 'metrics':
    case 'stats':
      return [first]
    case 'logs':
      return ['log']
    case 'pods':
    case 'healthz':
    case 'configz':
      return [first, 'proxy']
    default:
      return ['proxy']
  }
}

function certifiedUser(socket: TLSSocket): User | undefined {
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  const [name] = [subject?.CN ?? []].flat()
  return name ? { name, groups: [...[subject.O ?? []].flat(), 'system:authenticated'] } : undefined
}

/** Answers that count for a while; the oldest goes when there are too many. */
class Remembered<T> {
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly value: T; readonly untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async get(key: string, ask: () => Promise<{ value: T; forMs: number }>): Promise<T> {
    const now = this.#clock.now().getTime()
    const known = this.#known.get(key)
    if (known && known.untilMs > now) return known.value
    const { value, forMs } = await ask()
    this.#known.delete(key)
    const [oldest] = this.#known.keys()
    if (this.#known.size >= rememberedMax && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(key, { value, untilMs: now + forMs })
    return value
  }
}
