/**
 * Scheduler: gives pods without a node one. Decisions are made one at a time against what is known now, bindings are
 * sent without waiting for each other. A pod that fits nowhere waits for a change that could help it.
 */

import { isPodTerminal, isPodTerminating, podCondition } from '../../api/core/pod/conditions.ts'
import type { Node, PersistentVolumeClaim, Pod } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, type Index, startQueue } from '../context.ts'
import { tolerateReplaced } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { timestamp } from '../shared/time.ts'
import { type Candidate, takesLess } from './filters.ts'
import { rejectedEverywhere, selectNode } from './select.ts'
import { type StorageView, volumeNeeds } from './volumes.ts'

const schedulerName = 'default-scheduler'

/** Pods that occupy a node, by its name. */
export const byNode: Index<Pod> = {
  name: 'node',
  keys: (pod) => (pod.spec?.nodeName && !isPodTerminal(pod) ? [pod.spec.nodeName] : []),
}

export function startScheduler(ctx: ControllerContext): void {
  new Scheduler(ctx).start()
}

class Scheduler {
  readonly #ctx: ControllerContext
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #claims: Informer<PersistentVolumeClaim>
  readonly #storage: StorageView
  readonly #events: EventRecorder
  readonly #queue: WorkQueue
  /** Bound by us, and not yet seen as bound: key → the pod with its node. */
  readonly #assumed = new Map<string, Pod>()
  /** Keys of pods that fitted nowhere. */
  readonly #unschedulable = new Set<string>()

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#pods = ctx.informers.indexed(resources.pods, byNode)
    this.#nodes = ctx.informers.of(resources.nodes)
    this.#claims = ctx.informers.of(resources.persistentVolumeClaims)
    const volumes = ctx.informers.of(resources.persistentVolumes)
    this.#storage = { claims: this.#claims, volumes }
    this.#events = ctx.events(schedulerName)
    this.#queue = startQueue(ctx, {
      name: 'scheduler',
      concurrency: 16,
      priority: (key) => this.#pods.get(key)?.spec?.priority ?? 0,
      after: [this.#pods, this.#nodes, this.#claims, volumes],
      reconcile: (key) => this.#schedule(key),
    })
  }

  start(): void {
    this.#pods.onChange((change) => this.#podChanged(change))
    this.#nodes.onChange((change) => this.#nodeChanged(change))
    this.#claims.onChange(() => this.#retryUnschedulable())
  }

  #podChanged(change: CacheChange<Pod>): void {
    const { object } = change
    const key = objectKey(object)
    const gone = change.type === 'deleted'
    const bound = Boolean(object.spec?.nodeName)
    if (gone || bound || this.#assumed.get(key)?.metadata.uid !== object.metadata.uid) this.#assumed.delete(key)
    // The pod's own wishes changed: it may fit now. Its status, which we write ourselves, says nothing new.
    if (gone || (change.type === 'updated' && !sameJson(change.old.spec, object.spec))) this.#unschedulable.delete(key)
    if (!gone && isPending(object) && !this.#unschedulable.has(key)) this.#queue.add(key)
    // Ports and capacity of its node became free.
    const smaller = change.type === 'updated' && takesLess(object, change.old)
    if (bound && (gone || isPodTerminal(object) || smaller)) this.#retryUnschedulable()
  }

  #nodeChanged(change: CacheChange<Node>): void {
    if (change.type === 'added') this.#retryUnschedulable()
    if (change.type === 'updated' && !sameJson(schedulingFacts(change.old), schedulingFacts(change.object)))
      this.#retryUnschedulable()
  }

  #retryUnschedulable(): void {
    for (const key of this.#unschedulable) this.#queue.add(key)
    this.#unschedulable.clear()
  }

  async #schedule(key: string): Promise<void> {
    const pod = this.#pods.get(key)
    if (!pod || !isPending(pod) || this.#assumed.has(key)) return
    const needs = volumeNeeds(pod, this.#storage)
    const selection =
      'problem' in needs
        ? { message: rejectedEverywhere(needs.problem, this.#nodes.list().length) }
        : selectNode(pod, this.#candidates(), needs.affinities)
    if ('node' in selection) return this.#bind(key, pod, selection.node)
    this.#unschedulable.add(key)
    await this.#reportUnschedulable(pod, selection.message)
  }

  #candidates(): Candidate[] {
    const assumed = new Map<string, Pod[]>()
    for (const pod of this.#assumed.values()) {
      const node = pod.spec?.nodeName ?? ''
      assumed.set(node, [...(assumed.get(node) ?? []), pod])
    }
    return this.#nodes.list().map((node) => {
      const { name } = node.metadata
      return { node, pods: [...this.#pods.byIndex(byNode.name, name), ...(assumed.get(name) ?? [])] }
    })
  }

  async #bind(key: string, pod: Pod, nodeName: string): Promise<void> {
    const { namespace = '', name, uid = '' } = pod.metadata
    this.#assumed.set(key, { ...pod, spec: { containers: [], ...pod.spec, nodeName } })
    try {
      await this.#ctx.client.createSubresource(resources.pods, { namespace, name }, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
      })
    } catch (error) {
      this.#assumed.delete(key)
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return
      throw error
    }
    this.#events.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${key} to ${nodeName}`)
  }

  async #reportUnschedulable(pod: Pod, message: string): Promise<void> {
    const before = podCondition(pod, 'PodScheduled')
    if (before?.status === 'False' && before.message === message) return
    this.#events.event(pod, 'Warning', 'FailedScheduling', message)
    const lastTransitionTime =
      (before?.status === 'False' && before.lastTransitionTime) || timestamp(this.#ctx.clock.now())
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime,
      ...(pod.metadata.generation && { observedGeneration: pod.metadata.generation }),
    }
    const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }
    await tolerateReplaced(this.#ctx.client.patch(resources.pods, pod.metadata, patch, { subresource: 'status' }))
  }
}

/** Ours to schedule, now. */
function isPending(pod: Pod): boolean {
  const { nodeName, schedulerName: wanted = schedulerName, schedulingGates = [] } = pod.spec ?? {}
  return (
    !nodeName &&
    wanted === schedulerName &&
    schedulingGates.length === 0 &&
    !isPodTerminating(pod) &&
    !isPodTerminal(pod)
  )
}

/** What of a node decides whether a pod fits. Heartbeats change none of it. */
function schedulingFacts({ metadata, spec, status }: Node) {
  return {
    labels: metadata.labels,
    taints: spec?.taints,
    unschedulable: spec?.unschedulable,
    allocatable: status?.allocatable,
    ready: status?.conditions?.find((condition) => condition.type === 'Ready')?.status,
  }
}
