/** Keeps the Node object and its Lease: made when absent, put right when changed, renewed while the agent lives. */
import type { Lease } from '../../api/generated/coordination.k8s.io.v1.ts'
import type { Node } from '../../api/generated/v1.ts'
import { isReason } from '../../api/machinery/status.ts'
import { type Informer, type KubeClient, resources, WorkQueue } from '../../client/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/log.ts'
import { type AgentConfig, podCIDRs } from '../config.ts'
import { lostResources, type MachineFacts, needsStatus, nodeLabels, nodeStatus } from './node-object.ts'

export interface RegistrarOptions {
  readonly client: KubeClient
  /** All nodes; started by the caller after `start`. */
  readonly nodes: Informer<Node>
  readonly config: AgentConfig
  readonly facts: MachineFacts
  readonly clock: Clock
  readonly log: Logger
}

const leaseNamespace = 'kube-node-lease'
const defaultLeaseSeconds = 40
/** As the kubelet's: of the Lease's duration. */
const renewFraction = 0.25
/** While the API server or the namespace is not there yet. */
const retryMs = 40

export class Registrar {
  readonly #options: RegistrarOptions
  readonly #queue: WorkQueue
  #lease: Lease | undefined
  #knowRanges: (cidrs: readonly string[]) => void = () => {}
  /** The node's ranges of pod addresses, primary first, as soon as they are known. */
  readonly podCIDRs: Promise<readonly string[]>

  constructor(options: RegistrarOptions) {
    const { config, clock, log } = options
    this.#options = options
    this.#queue = new WorkQueue({ name: 'node', reconcile: () => this.#reconcile(), log, clock })
    this.podCIDRs = new Promise((resolve) => {
      this.#knowRanges = resolve
    })
    const given = podCIDRs(config)
    if (given) this.#knowRanges(given)
  }

  async start(signal: AbortSignal): Promise<void> {
    const { nodes, config } = this.#options
    nodes.onChange(({ object }) => {
      const { metadata, spec } = object
      if (metadata.name !== config.nodeName) return
      const ranges = spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])
      if (ranges.length > 0) this.#knowRanges(ranges)
      this.#queue.add('node')
    })
    void this.#renewForever(signal)
    await nodes.synced
    this.#queue.add('node')
    this.#queue.run(signal)
  }

  async #reconcile(): Promise<void> {
    const { client, nodes, config, facts, clock } = this.#options
    const node = nodes.get(config.nodeName)
    const status = nodeStatus(config, facts, clock.now(), node)
    const labels = nodeLabels(config, facts)
    if (!node) return this.#create(labels, status)
    if (!hasLabels(node, labels)) {
      await client.patch(
        resources.nodes,
        { name: config.nodeName },
        { metadata: { labels } },
        {
          type: 'application/merge-patch+json',
        },
      )
    }
    if (needsStatus(node, config, facts)) await this.#writeStatus(status, lostResources(node.status))
  }

  async #create(labels: Record<string, string>, status: NonNullable<Node['status']>): Promise<void> {
    const { client, config, facts } = this.#options
    const given = podCIDRs(config)
    const spec = given?.[0] ? { podCIDR: given[0], podCIDRs: given } : {}
    try {
      const made = await client.create(resources.nodes, { metadata: { name: config.nodeName, labels }, spec, status })
      if (needsStatus(made, config, facts)) await this.#writeStatus(status)
    } catch (error) {
      // The cache was behind; its next change brings us back here.
      if (!isReason(error, 'AlreadyExists')) throw error
    }
  }

  async #writeStatus(status: NonNullable<Node['status']>, lost: readonly string[] = []): Promise<void> {
    const { client, config } = this.#options
    const allocatable = { ...status.allocatable, ...Object.fromEntries(lost.map((name) => [name, null])) }
    await client.patch(
      resources.nodes,
      { name: config.nodeName },
      { status: { ...status, allocatable } },
      { type: 'application/merge-patch+json', subresource: 'status' },
    )
  }

  get #leaseSeconds(): number {
    return this.#options.config.nodeLeaseDurationSeconds ?? defaultLeaseSeconds
  }

  async #renewForever(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options
    const renewMs = this.#leaseSeconds * 1000 * renewFraction
    while (!signal.aborted) {
      const waitMs = await this.#renew().then(
        () => renewMs,
        (error: unknown) => {
          this.#lease = undefined
          log.debug({ err: error }, 'lease not renewed')
          return retryMs
        },
      )
      await new Promise<void>((resolve) => {
        const cancel = clock.setTimeout(resolve, waitMs)
        signal.addEventListener('abort', () => (cancel(), resolve()), { once: true })
      })
    }
  }

  async #renew(): Promise<void> {
    const { client, config, clock } = this.#options
    const at = { namespace: leaseNamespace, name: config.nodeName }
    const spec = {
      holderIdentity: config.nodeName,
      leaseDurationSeconds: this.#leaseSeconds,
      renewTime: clock.now().toISOString().replace('Z', '000Z'),
    }
    this.#lease ??= await client.get(resources.leases, at).catch((error: unknown) => {
      if (isReason(error, 'NotFound')) return undefined
      throw error
    })
    this.#lease = this.#lease
      ? await client.update(resources.leases, this.#renewed(this.#lease, spec))
      : await client.create(resources.leases, { metadata: { ...at, ...this.#owner() }, spec })
  }

  /** The first Lease is often made before the Node is known: as the kubelet's, it gets its owner when it can. */
  #renewed(lease: Lease, spec: Lease['spec']): Lease {
    const { metadata } = lease
    const owned = metadata.ownerReferences?.length ? {} : this.#owner()
    return { ...lease, metadata: { ...metadata, ...owned }, spec: { ...lease.spec, ...spec } }
  }

  /** A deleted node's Lease goes with it. */
  #owner(): Pick<Lease['metadata'], 'ownerReferences'> {
    const { nodes, config } = this.#options
    const node = nodes.get(config.nodeName)
    if (!node?.metadata.uid) return {}
    const { name, uid } = node.metadata
    return { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] }
  }
}

function hasLabels({ metadata }: Node, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value)
}
