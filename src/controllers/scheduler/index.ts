/**
 * Scheduler: gives pods without a node one. Decisions are made one at a time against what is known now, bindings are
 * sent without waiting for each other. A pod that fits nowhere has lesser pods ended where that makes room, and waits
 * for a change that could help it.
 */

import { isPodTerminal, isPodTerminating, podCondition } from '../../api/core/pod/conditions.ts'
import type { PodDisruptionBudget } from '../../api/generated/policy.v1.ts'
import type { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import { formatTime } from '../../api/machinery/time.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, type Index, startQueue } from '../context.ts'
import { tolerateReplaced } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { bindVolumes } from './bind-volumes.ts'
import { delayedBindingRule, planBinding } from './delayed-binding.ts'
import { type Candidate, podPriority, takesLess } from './filters.ts'
import { noNodes, unavailable, unschedulable } from './message.ts'
import { Nominations } from './nominations.ts'
import { endVictims } from './preempt.ts'
import { planPreemption, preemptionIsVain, type Sacrifice } from './preemption.ts'
import { type ClusterView, type Selection, selectNode } from './select.ts'
import { type Claims, exclusiveRule, type StorageView, volumeNeeds } from './volumes.ts'

const schedulerName = 'default-scheduler'

/** Pods that occupy a node, by its name. */
export const byNode: Index<Pod> = {
  name: 'node',
  keys: (pod) => (pod.spec?.nodeName && !isPodTerminal(pod) ? [pod.spec.nodeName] : []),
}

export function startScheduler(ctx: ControllerContext): void {
  new Scheduler(ctx).start()
}

/** Of a pod that fits nowhere. */
interface Failure {
  readonly message: string
  /** Where it waits for others to end; null: nowhere any more. */
  readonly nominated: string | null | undefined
}

class Scheduler {
  readonly #ctx: ControllerContext
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #claims: Informer<PersistentVolumeClaim>
  readonly #namespaces: Informer<Namespace>
  readonly #budgets: Informer<PodDisruptionBudget>
  readonly #volumes: Informer<PersistentVolume>
  readonly #storage: StorageView
  readonly #events: EventRecorder
  readonly #queue: WorkQueue
  /** Bound by us, and not yet seen as bound: key → the pod with its node. */
  readonly #assumed = new Map<string, Pod>()
  readonly #nominations = new Nominations()
  /** Keys of pods that fitted nowhere. */
  readonly #unschedulable = new Set<string>()

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#pods = ctx.informers.indexed(resources.pods, byNode)
    this.#nodes = ctx.informers.of(resources.nodes)
    this.#claims = ctx.informers.of(resources.persistentVolumeClaims)
    this.#namespaces = ctx.informers.of(resources.namespaces)
    this.#budgets = ctx.informers.of(resources.podDisruptionBudgets)
    this.#volumes = ctx.informers.of(resources.persistentVolumes)
    const classes = ctx.informers.of(resources.storageClasses)
    this.#storage = { claims: this.#claims, volumes: this.#volumes, classes }
    this.#events = ctx.events(schedulerName)
    this.#queue = startQueue(ctx, {
      name: 'scheduler',
      concurrency: 16,
      priority: (key) => this.#pods.get(key)?.spec?.priority ?? 0,
      after: [this.#pods, this.#nodes, this.#claims, this.#namespaces, this.#budgets, this.#volumes, classes],
      reconcile: (key) => this.#schedule(key),
    })
  }

  start(): void {
    this.#pods.onChange((change) => this.#podChanged(change))
    this.#nodes.onChange((change) => this.#nodeChanged(change))
    this.#claims.onChange(() => this.#retryUnschedulable())
    this.#volumes.onChange(({ type }) => type !== 'deleted' && this.#retryUnschedulable(hasClaims))
    this.#namespaces.onChange(({ type }) => type !== 'deleted' && this.#retryUnschedulable(minds))
  }

  #podChanged(change: CacheChange<Pod>): void {
    const { object } = change
    const key = objectKey(object)
    const gone = change.type === 'deleted'
    const bound = Boolean(object.spec?.nodeName)
    const pending = !gone && isPending(object)
    if (gone || bound || this.#assumed.get(key)?.metadata.uid !== object.metadata.uid) this.#assumed.delete(key)
    const freed = this.#nominations.follow(change, pending)
    // The pod's own wishes changed: it may fit now. Its status, which we write ourselves, says nothing new.
    if (gone || (change.type === 'updated' && !sameJson(change.old.spec, object.spec))) this.#unschedulable.delete(key)
    if (pending && !this.#unschedulable.has(key)) this.#queue.add(key)
    if (freed || (bound && (gone || isPodTerminal(object)))) return this.#retryUnschedulable()
    if (!bound) return
    if (change.type === 'updated' && takesLess(object, change.old)) return this.#retryUnschedulable()
    if (isMoved(change)) this.#retryUnschedulable(minds)
  }

  #nodeChanged(change: CacheChange<Node>): void {
    if (change.type === 'added') this.#retryUnschedulable()
    if (change.type === 'updated' && !sameJson(schedulingFacts(change.old), schedulingFacts(change.object)))
      this.#retryUnschedulable()
  }

  /** `which`: only those that the change can help. */
  #retryUnschedulable(which: (pod: Pod) => boolean = () => true): void {
    for (const key of this.#unschedulable) {
      const pod = this.#pods.get(key)
      if (pod && !which(pod)) continue
      this.#unschedulable.delete(key)
      this.#queue.add(key)
    }
  }

  async #schedule(key: string): Promise<void> {
    const pod = this.#pods.get(key)
    if (!pod || !isPending(pod) || this.#assumed.has(key)) return
    const candidates = this.#candidates()
    const needs = volumeNeeds(pod, this.#storage)
    this.#unschedulable.add(key)
    if (candidates.length === 0) return this.#fail(pod, { message: noNodes, nominated: undefined })
    if ('problem' in needs) {
      // The node is chosen; the claim's event brings the pod back.
      if (needs.binding && this.#nominations.nodeOf(key)) return
      this.#nominations.delete(key)
      const message = unavailable(candidates.length, needs.problem)
      const vain = unschedulable(message, preemptionIsVain(pod, candidates.length))
      return this.#fail(pod, { message: vain, nominated: null })
    }
    const view = this.#view(pod, candidates, needs)
    const selection = selectNode(pod, view, this.#nominations.nodeOf(key))
    if (!('node' in selection)) return this.#preempt(pod, selection)
    const node = this.#nodes.get(selection.node)
    if (needs.delayed.length > 0 && node) return this.#bindVolumes(pod, needs, node)
    this.#unschedulable.delete(key)
    return this.#bind(key, pod, selection.node)
  }

  #view(pod: Pod, candidates: readonly Candidate[], { volumes, exclusive, delayed }: Claims): ClusterView {
    const labelsOf = (namespace: string) => this.#namespaces.get(namespace)?.metadata.labels
    const rules = [exclusiveRule(pod, exclusive), delayedBindingRule(delayed, this.#volumes.list())]
    return { candidates, labelsOf, volumes, rules }
  }

  /** The place is the pod's while its volumes are made and bound; the claims' events bring it back here. */
  async #bindVolumes(pod: Pod, { delayed }: Claims, node: Node): Promise<void> {
    const plan = planBinding(delayed, this.#volumes.list(), node)
    if (!plan) throw new Error(`no volumes for ${objectKey(pod)} on ${node.metadata.name} any more`)
    this.#nominations.set(pod, node.metadata.name)
    await bindVolumes(this.#ctx.client, plan, node)
  }

  async #preempt(pod: Pod, { refused, constraints }: Exclude<Selection, { node: string }>): Promise<void> {
    const key = objectKey(pod)
    const nominated = this.#nominations.nodeOf(key)
    const now = this.#ctx.clock.now()
    const budgets = this.#budgets.list()
    const plan = planPreemption(pod, { refused, constraints, budgets, nominated, now })
    const message = unavailable(
      refused.length,
      refused.map(({ refusal }) => refusal.reasons),
    )
    if ('victims' in plan) return this.#makeRoom(pod, plan, message)
    if (!plan.wait) this.#nominations.delete(key)
    const failure = unschedulable(message, plan.message)
    await this.#fail(pod, { message: failure, nominated: plan.wait ? undefined : null })
  }

  /** The place is the pod's before anybody is asked to leave it. */
  async #makeRoom(pod: Pod, sacrifice: Sacrifice, message: string): Promise<void> {
    const { node } = sacrifice
    const displaced = this.#nominations.on(node).filter((other) => podPriority(other) < podPriority(pod))
    this.#nominations.set(pod, node)
    for (const other of displaced) this.#nominations.delete(objectKey(other))
    const { client, clock } = this.#ctx
    await endVictims(pod, sacrifice, { client, clock, events: this.#events })
    await Promise.all(displaced.map((other) => this.#patchStatus(other, { nominatedNodeName: null })))
    await this.#fail(pod, { message, nominated: node })
  }

  #candidates(): Candidate[] {
    const assumed = new Map<string, Pod[]>()
    for (const pod of this.#assumed.values()) {
      const node = pod.spec?.nodeName ?? ''
      assumed.set(node, [...(assumed.get(node) ?? []), pod])
    }
    return this.#nodes.list().map((node) => {
      const { name } = node.metadata
      const pods = [...this.#pods.byIndex(byNode.name, name), ...(assumed.get(name) ?? [])]
      return { node, pods, nominated: this.#nominations.on(name) }
    })
  }

  async #bind(key: string, pod: Pod, nodeName: string): Promise<void> {
    const { namespace = '', name, uid = '' } = pod.metadata
    this.#assumed.set(key, { ...pod, spec: { containers: [], ...pod.spec, nodeName } })
    this.#nominations.delete(key)
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

  async #fail(pod: Pod, { message, nominated }: Failure): Promise<void> {
    const before = podCondition(pod, 'PodScheduled')
    const known = pod.status?.nominatedNodeName || null
    const moved = nominated !== undefined && nominated !== known
    if (before?.status === 'False' && before.message === message && !moved) return
    this.#events.event(pod, 'Warning', 'FailedScheduling', message)
    const lastTransitionTime =
      (before?.status === 'False' && before.lastTransitionTime) || formatTime(this.#ctx.clock.now())
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime,
      ...(pod.metadata.generation && { observedGeneration: pod.metadata.generation }),
    }
    await this.#patchStatus(pod, { conditions: [condition], ...(moved && { nominatedNodeName: nominated }) })
  }

  async #patchStatus({ metadata }: Pod, status: Readonly<Record<string, unknown>>): Promise<void> {
    const patch = { metadata: { uid: metadata.uid }, status }
    await tolerateReplaced(this.#ctx.client.patch(resources.pods, metadata, patch, { subresource: 'status' }))
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

/** The pod has come to a node, or means something else to selectors now. */
function isMoved(change: CacheChange<Pod>): boolean {
  if (change.type !== 'updated') return change.type === 'added'
  const { old, object } = change
  return !old.spec?.nodeName || !sameJson(old.metadata.labels, object.metadata.labels)
}

/** Where other pods are matters to it. Those that others keep away wait for them to go. */
function minds({ spec }: Pod): boolean {
  return Boolean(spec?.affinity?.podAffinity || spec?.affinity?.podAntiAffinity || spec?.topologySpreadConstraints)
}

function hasClaims({ spec }: Pod): boolean {
  return spec?.volumes?.some(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral) ?? false
}
