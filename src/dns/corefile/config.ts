/** What a Corefile says, as data. One ServerConfig per server block; absent plugins are absent. */

export interface ServerConfig {
  /** Absolute, lower case, with a final dot: `.`, `example.org.`. */
  readonly zones: readonly string[]
  readonly port: number
  readonly line: number
  readonly bind: readonly string[]
  readonly errors: boolean
  readonly log: boolean
  readonly loadbalance: boolean
  readonly loop: boolean
  readonly health?: HealthConfig
  /** Listening address, `:8181`. */
  readonly ready?: string
  readonly prometheus?: string
  readonly reload?: ReloadConfig
  readonly cache?: CacheConfig
  readonly hosts?: HostsConfig
  readonly kubernetes?: KubernetesConfig
  readonly forward: readonly ForwardConfig[]
}

export interface HealthConfig {
  readonly address: string
  readonly lameduckMs: number
}

export interface ReloadConfig {
  readonly intervalMs: number
  readonly jitterMs: number
}

export interface CacheConfig {
  /** Seconds; entries live for their own TTL within these. */
  readonly success: { readonly capacity: number; readonly max: number; readonly min: number }
  readonly denial: { readonly capacity: number; readonly max: number; readonly min: number }
  readonly servfail: number
}

export interface Fallthrough {
  /** Empty: nothing falls through. */
  readonly zones: readonly string[]
}

export interface HostsConfig {
  readonly file: string | undefined
  readonly zones: readonly string[]
  readonly entries: readonly { readonly address: string; readonly names: readonly string[] }[]
  readonly ttl: number
  readonly reverse: boolean
  readonly reloadMs: number
  readonly fallthrough: Fallthrough
}

export type ApiAccess =
  | { readonly type: 'in-cluster' }
  | { readonly type: 'kubeconfig'; readonly path: string; readonly context: string | undefined }
  | { readonly type: 'endpoint'; readonly url: string; readonly tls: readonly [string, string, string] | undefined }

export interface KubernetesConfig {
  readonly zones: readonly string[]
  readonly access: ApiAccess
  /** Empty: all. */
  readonly namespaces: readonly string[]
  readonly pods: 'disabled' | 'insecure' | 'verified'
  readonly endpointPodNames: boolean
  readonly ignoreEmptyService: boolean
  readonly ttl: number
  readonly fallthrough: Fallthrough
}

export interface ForwardConfig {
  readonly from: string
  readonly to: readonly Destination[]
  readonly except: readonly string[]
  readonly policy: 'random' | 'round_robin' | 'sequential'
  /** 0: no limit. */
  readonly maxConcurrent: number
  readonly maxFails: number
  readonly forceTcp: boolean
}

export type Destination =
  | { readonly type: 'address'; readonly host: string; readonly port: number }
  | { readonly type: 'resolv.conf'; readonly path: string }
