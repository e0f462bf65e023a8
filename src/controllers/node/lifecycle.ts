/**
 * Node lifecycle: a node is alive as long as its Lease is renewed or its status changes. One timer per node, moved by
 * what is heard; a silent node's conditions become Unknown, its taints follow, and its pods are no longer ready.
 */

import { podCondition } from '../../api/core/pod/conditions.ts'
import type { Lease } from '../../api/generated/coordination.k8s.io.v1.ts'
import type { Node, Pod } from '../../api/generated/v1.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { byNode } from '../scheduler/index.ts'
import { tolerateReplaced } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { nodeReady } from '../shared/placement.ts'
import { unknownConditions, wantedTaints } from './health.ts'

const leaseNamespace = 'kube-node-lease'
const defaultGracePeriodMs = 40_000

export function startNodeLifecycleController(ctx: ControllerContext): void {
  new NodeLifecycle(ctx).start()
}

class NodeLifecycle {
  readonly #ctx: ControllerContext
  readonly #gracePeriodMs: number
  readonly #nodes: Informer<Node>
  readonly #pods: Informer<Pod>
  readonly #leases: Informer<Lease>
  readonly #events: EventRecorder
  readonly #queue: WorkQueue
  /** When each node was last heard of, by this process's own clock: nodes' clocks may be wrong. */
  readonly #heard = new Map<string, number>()
  readonly #timers = new Map<string, () => void>()

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#gracePeriodMs = ctx.settings.nodeMonitorGracePeriodMs ?? defaultGracePeriodMs
    this.#nodes = ctx.informers.of(resources.nodes)
    this.#pods = ctx.informers.indexed(resources.pods, byNode)
    this.#leases = ctx.informers.of(resources.leases)
    this.#events = ctx.events('node-controller')
    this.#queue = startQueue(ctx, {
      name: 'node-lifecycle',
      concurrency: 4,
      after: [this.#nodes, this.#pods, this.#leases],
      reconcile: (name) => this.#reconcile(name),
    })
  }

  start(): void {
    this.#nodes.onChange((change) => this.#nodeChanged(change))
    this.#leases.onChange((change) => this.#leaseChanged(change))
    this.#ctx.signal.addEventListener('abort', () => {
      for (const cancel of this.#timers.values()) cancel()
    })
  }

  #nodeChanged(change: CacheChange<Node>): void {
    const { name } = change.object.metadata
    if (change.type === 'deleted') {
      this.#heard.delete(name)
      this.#timers.get(name)?.()
      this.#timers.delete(name)
      return
    }
    if (change.type === 'added' || heartbeat(change.old) !== heartbeat(change.object)) this.#hear(name)
    if (change.type === 'updated' && sameJson(healthFacts(change.old), healthFacts(change.object))) return
    this.#queue.add(name)
  }

  #leaseChanged({ type, object }: CacheChange<Lease>): void {
    if (type === 'deleted' || object.metadata.namespace !== leaseNamespace) return
    if (this.#nodes.get(object.metadata.name)) this.#hear(object.metadata.name)
  }

  #hear(name: string): void {
    this.#heard.set(name, this.#ctx.clock.now().getTime())
    if (!this.#timers.has(name)) this.#watchOver(name, this.#gracePeriodMs)
  }

  /** A renewal only notes the time: the timer looks at it when it fires. */
  #watchOver(name: string, ms: number): void {
    const cancel = this.#ctx.clock.setTimeout(() => {
      this.#timers.delete(name)
      const leftMs = this.#silentInMs(name)
      if (leftMs > 0) this.#watchOver(name, leftMs)
      else this.#queue.add(name)
    }, ms)
    this.#timers.set(name, cancel)
  }

  #silentInMs(name: string): number {
    return (this.#heard.get(name) ?? 0) + this.#gracePeriodMs - this.#ctx.clock.now().getTime()
  }

  async #reconcile(name: string): Promise<void> {
    const node = this.#nodes.get(name)
    if (!node || node.metadata.deletionTimestamp) return
    if (this.#silentInMs(name) <= 0) {
      const conditions = unknownConditions(node, this.#ctx.clock.now())
      if (conditions) {
        await this.#ctx.client.updateStatus(resources.nodes, { ...node, status: { ...node.status, conditions } })
        this.#events.event(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
        return
      }
    }
    await this.#taint(node)
    const ready = nodeReady(node)
    if (ready === 'False' || ready === 'Unknown') await this.#markPodsNotReady(node)
  }

  async #taint(node: Node): Promise<void> {
    const taints = wantedTaints(node, this.#ctx.clock.now())
    if (sameJson(taints, node.spec?.taints ?? [])) return
    await this.#ctx.client.patch(
      resources.nodes,
      node.metadata,
      { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints } },
      { type: 'application/merge-patch+json' },
    )
  }

  async #markPodsNotReady(node: Node): Promise<void> {
    const lastTransitionTime = formatTime(this.#ctx.clock.now())
    const ready = this.#pods
      .byIndex(byNode.name, node.metadata.name)
      .filter((pod) => podCondition(pod, 'Ready')?.status === 'True')
    await Promise.all(
      ready.map(async (pod) => {
        const condition = { type: 'Ready', status: 'False', lastTransitionTime }
        const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }
        await tolerateReplaced(this.#ctx.client.patch(resources.pods, pod.metadata, patch, { subresource: 'status' }))
        this.#events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
      }),
    )
  }
}

/** Changes with every status the node posts, and not with what this controller writes. */
function heartbeat({ status }: Node): string {
  return (status?.conditions ?? []).map((c) => c.lastHeartbeatTime ?? '').join()
}

function healthFacts({ spec, status }: Node) {
  return {
    taints: spec?.taints,
    unschedulable: spec?.unschedulable,
    conditions: status?.conditions?.map(({ type, status }) => [type, status]),
  }
}
