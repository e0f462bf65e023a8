/** What every controller is given, and how its queue is started once its caches are filled. */
import type { KubeObject } from '../api/machinery/object.ts'
import type { Client } from '../client/client.ts'
import type { KubeClient, Resource } from '../client/contract.ts'
import type { EventRecorder } from '../client/events.ts'
import { Informer, type InformerOptions } from '../client/informer.ts'
import { type Backoff, WorkQueue } from '../client/queue.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'

/** Cluster-wide facts that controllers act on. */
export interface ControllerSettings {
  /** Ranges of cluster IPs, primary family first. */
  readonly serviceCidrs: readonly string[]
  /** Ranges of pod IPs that nodes get their blocks from, one per family. Empty: nodes bring their own. */
  readonly podCidrs: readonly string[]
  /** Prefix length of a node's block: IPv4 (24) and IPv6 (64). */
  readonly nodeCidrMaskSize?: { readonly 4?: number; readonly 6?: number }
  /** Where clients in the cluster reach the API server: what the `kubernetes` Service points to. */
  readonly apiServer: { readonly address: string; readonly port: number }
  /** A node whose lease and status stand still this long is Unknown. Default 40 000. */
  readonly nodeMonitorGracePeriodMs?: number
}

/** The typed client, and `request` for the few paths it has no method for (`namespaces/finalize`). */
export type ControllerClient = KubeClient & Pick<Client, 'request'>

/** The start-up contract: `startXController(ctx)` registers its handlers synchronously and returns; the caller then starts the informers. */
export interface ControllerContext {
  readonly client: ControllerClient
  readonly informers: SharedInformers
  readonly settings: ControllerSettings
  readonly log: Logger
  readonly clock: Clock
  /** Aborted when the controllers must stop. */
  readonly signal: AbortSignal
  /** A recorder whose events carry this component as their source. */
  events(component: string): EventRecorder
}

/** One informer per resource, shared by all controllers: one watch, one cache. */
export class SharedInformers {
  readonly #client: KubeClient
  readonly #log: Logger
  readonly #informers = new Map<string, Entry>()

  constructor(options: { client: KubeClient; log: Logger }) {
    this.#client = options.client
    this.#log = options.log
  }

  of<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    return this.#entry(resource).informer as unknown as Informer<T>
  }

  /**
   * For readers of metadata alone: the informer another controller already asked for, else one that keeps only that.
   * Ask for it after everybody who needs whole objects has.
   */
  metadataOf(resource: Resource<KubeObject>): Informer<KubeObject> {
    return this.#entry(resource, { transform: metadataOnly }).informer
  }

  /** An informer of its own, for who needs only what a field selector selects. */
  selected<T extends KubeObject>(resource: Resource<T>, fieldSelector: string): Informer<T> {
    return this.#entry(resource, { fieldSelector }).informer as unknown as Informer<T>
  }

  /** The informer with an index on it; the name stands for the function, so a second request for it is free. */
  indexed<T extends KubeObject>(resource: Resource<T>, index: Index<T>): Informer<T> {
    const { informer, indexes } = this.#entry(resource)
    if (!indexes.has(index.name)) {
      indexes.add(index.name)
      ;(informer as unknown as Informer<T>).addIndex(index.name, index.keys)
    }
    return informer as unknown as Informer<T>
  }

  /** Starts those that are not running yet. Call after all handlers are registered. */
  start(signal: AbortSignal): void {
    for (const entry of this.#informers.values()) {
      if (entry.started) continue
      entry.started = true
      entry.informer.start(signal)
    }
  }

  /** Plurals of resources that are not read yet. */
  unsynced(): string[] {
    return [...this.#informers.values()].flatMap(({ informer, plural }) => (informer.hasSynced ? [] : [plural]))
  }

  #entry(
    resource: Resource<KubeObject>,
    options: Pick<InformerOptions<KubeObject>, 'transform' | 'fieldSelector'> = {},
  ): Entry {
    const id = `${resource.group}/${resource.plural}?${options.fieldSelector ?? ''}`
    let entry = this.#informers.get(id)
    if (!entry) {
      const informer = new Informer({ client: this.#client, resource, log: this.#log, ...options })
      entry = { plural: resource.plural, informer, indexes: new Set(), started: false }
      this.#informers.set(id, entry)
    }
    return entry
  }
}

interface Entry {
  readonly plural: string
  readonly informer: Informer<KubeObject>
  readonly indexes: Set<string>
  started: boolean
}

/** What is left of an object nobody reads but for its metadata. */
function metadataOnly({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { managedFields: _, annotations: __, ...rest } = metadata
  return { ...(apiVersion && { apiVersion }), ...(kind && { kind }), metadata: rest }
}

export interface Index<T> {
  readonly name: string
  readonly keys: (object: T) => string[]
}

export interface QueueOptions {
  readonly name: string
  readonly reconcile: (key: string) => Promise<void>
  readonly concurrency?: number
  /** More goes first. */
  readonly priority?: (key: string) => number
  readonly backoff?: Backoff
  /** Nothing is reconciled before these have their first list. */
  readonly after: readonly Pick<Informer<KubeObject>, 'synced'>[]
}

/** A work queue that starts working when its informers have synced, and stops with the context. */
export function startQueue(ctx: ControllerContext, options: QueueOptions): WorkQueue {
  const { name, reconcile, concurrency, priority, backoff, after } = options
  const queue = new WorkQueue({
    name,
    reconcile,
    log: ctx.log,
    clock: ctx.clock,
    ...(concurrency !== undefined && { concurrency }),
    ...(priority && { priority }),
    ...(backoff && { backoff }),
  })
  void Promise.all(after.map((informer) => informer.synced)).then(() => {
    if (!ctx.signal.aborted) return queue.run(ctx.signal)
  })
  return queue
}
