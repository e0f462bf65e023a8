/**
 * The plan: what must happen to a packet, without saying how a kernel is told. Every proxy mode renders from these and
 * from nothing else. All values are immutable; a changed Service port is a new `PortPlan`.
 */

export type Family = 4 | 6

export type Protocol = 'tcp' | 'udp' | 'sctp'

/** A place a packet may end: one pod, one port. */
export interface Backend {
  readonly ip: string
  readonly port: number
  /** It runs on this node. */
  readonly local: boolean
}

/**
 * What becomes of traffic that arrives by one kind of address. `cluster` and `local` balance over the backends of that
 * name; `reject`: the Service has no endpoints at all, the caller is told at once; `drop`: it has some, but policy
 * Local and none here, so another node must answer (KEP-2086).
 */
export type Verdict = 'cluster' | 'local' | 'reject' | 'drop'

/** One port of one Service in one address family. */
export interface PortPlan {
  /** As kube-proxy spells it in comments and hashes: `demo/web:http`, or `demo/web` for an unnamed port. */
  readonly id: string
  readonly family: Family
  readonly protocol: Protocol
  readonly clusterIp: string
  readonly port: number
  /** 0: none. */
  readonly nodePort: number
  readonly externalIps: readonly string[]
  /** Addresses of `status.loadBalancer.ingress` with ipMode VIP. */
  readonly loadBalancerIps: readonly string[]
  /** Who may use the load-balancer addresses; empty: anyone. */
  readonly sourceRanges: readonly string[]
  /** 0: none. */
  readonly healthCheckNodePort: number
  /** sessionAffinity ClientIP, in seconds; 0: none. */
  readonly affinitySeconds: number
  /** For packets to the cluster IP. */
  readonly internal: Verdict
  /** For packets to node ports, external IPs and load-balancer addresses. Meaningless when the port has none. */
  readonly external: Verdict
  /** externalTrafficPolicy is Local: the client's address is kept. */
  readonly externalLocal: boolean
  /** Backends for policy Cluster, sorted; empty when no traffic is balanced over them. */
  readonly cluster: readonly Backend[]
  /** Backends on this node for policy Local, sorted; empty when no traffic is balanced over them. */
  readonly local: readonly Backend[]
  /** UDP only: `backendAddress` of every serving endpoint, whatever the policies say; flows to others are stale. */
  readonly serving: readonly string[]
  /** With `healthCheckNodePort` only: addresses of the ready endpoints on this node. */
  readonly localReadyIps: readonly string[]
}

/** One difference between two plans. `before` and `after` have the same id; one of them may be missing. */
export interface PortChange {
  readonly id: string
  readonly before?: PortPlan
  readonly after?: PortPlan
}

/** True when packets from outside the cluster may arrive for it. */
export function externallyAccessible(plan: Pick<PortPlan, 'nodePort' | 'externalIps' | 'loadBalancerIps'>): boolean {
  return plan.nodePort !== 0 || plan.externalIps.length > 0 || plan.loadBalancerIps.length > 0
}

/** `10.244.0.5:80`, `[fd00::5]:80`. */
export function backendAddress({ ip, port }: Pick<Backend, 'ip' | 'port'>): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

/** `10.96.0.1/32`, `fd00::1/128`. */
export function hostCidr(ip: string): string {
  return ip.includes(':') ? `${ip}/128` : `${ip}/32`
}

/** `namespace/name` of the Service a plan belongs to. */
export function serviceKey({ id }: Pick<PortPlan, 'id'>): string {
  const colon = id.indexOf(':')
  return colon < 0 ? id : id.slice(0, colon)
}

/** What tells one plan from all others of its family: a name may be used once per protocol. */
export function planKey({ id, family, protocol }: Pick<PortPlan, 'id' | 'family' | 'protocol'>): string {
  return `${id} ${protocol} ${family}`
}
