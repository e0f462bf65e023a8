/** What every request handler of this server works with. */
import type { ClusterSettings } from '../api/resource.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Store } from '../store/contract.ts'
import type { Admission } from './admission/index.ts'
import type { Allocator } from './allocation/allocator.ts'
import type { ServiceAccountTokens } from './authentication/tokens.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import type { Feed } from './cache/feed.ts'
import type { ServerObjects } from './cache/objects.ts'
import type { UserInfo } from './handler.ts'
import type { BookmarkTicker } from './read/bookmarks.ts'
import type { Registry, ServedResource } from './registry.ts'
import type { ResourceRoute } from './routing/route.ts'
import type { AgentDialer } from './subresources/agent.ts'

export interface ServerContext {
  readonly store: Store
  readonly registry: Registry
  readonly feed: Feed
  readonly objects: ServerObjects
  readonly settings: ClusterSettings
  readonly clock: Clock
  readonly log: Logger
  readonly bookmarks: BookmarkTicker
  /** By resource prefix: who hands out addresses and ports to objects of that resource. */
  readonly allocators: ReadonlyMap<string, Allocator>
  readonly agents: AgentDialer
  readonly admission: Admission
  readonly tokens: ServiceAccountTokens
  readonly authorizer: Authorizer
  /** Parts of the control plane by their names; a check rejects with what is wrong. */
  readonly components: ReadonlyMap<string, () => Promise<void>>
}

/** One request about a resource. */
export interface ResourceRequest extends ResourceRoute {
  readonly method: string
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly user: UserInfo
  readonly signal: AbortSignal | undefined
  /** What the answer warns of, whether the request succeeds or not. */
  readonly warnings: Set<string>
}

export type { ServedResource }
