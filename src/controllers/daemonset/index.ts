/**
 * DaemonSet controller: one pod on every node that the template admits. The pod names its node by affinity and the
 * scheduler binds it; a node or a pod that comes or goes is made good at once. Its templates are kept as
 * ControllerRevisions, so that a roll-out can be undone.
 */

import type { ControllerRevision, DaemonSet } from '../../api/generated/apps.v1.ts'
import type { Node, Pod } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isEmptySelector } from '../../api/machinery/selectors.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { nextAvailabilityMs } from '../replicaset/status.ts'
import { burstMax, slowStart } from '../shared/batch.ts'
import { observePod, observeRevision } from '../shared/changes.ts'
import { Expectations } from '../shared/expectations.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { applyClaim, byController, claim, orphansOf } from '../shared/owners.ts'
import { effectiveTaints } from '../shared/placement.ts'
import { PodControl } from '../shared/pod-control.ts'
import { RevisionHistory, revisionLabel } from '../shared/revisions.ts'
import { podFromTemplate } from '../shared/template.ts'
import { daemonSetStatus, type Present, plan, rollout, targetNode, templateForNode } from './plan.ts'

export function startDaemonSetController(ctx: ControllerContext): void {
  new DaemonSetController(ctx).start()
}

const kind = 'DaemonSet'

/** First and longest pause before a failed daemon is replaced. */
const failureBackoffMs = { min: 1000, max: 15 * 60_000 }

class DaemonSetController {
  readonly #ctx: ControllerContext
  readonly #daemonSets: Informer<DaemonSet>
  readonly #pods: Informer<Pod>
  readonly #nodes: Informer<Node>
  readonly #history: RevisionHistory
  readonly #expectations: Expectations
  readonly #events: EventRecorder
  readonly #podControl: PodControl
  readonly #queue: WorkQueue
  /** Per DaemonSet and node: how often its daemon failed lately, and when it may be replaced. */
  readonly #failures = new Map<string, { count: number; notBefore: number }>()

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#daemonSets = ctx.informers.of(resources.daemonSets)
    this.#pods = ctx.informers.indexed(resources.pods, byController)
    this.#nodes = ctx.informers.of(resources.nodes)
    this.#expectations = new Expectations(ctx.clock)
    this.#history = new RevisionHistory({
      ctx,
      resource: resources.daemonSets,
      hashLabel: revisionLabel,
      identity: hashOf,
      expectations: this.#expectations,
    })
    this.#events = ctx.events('daemonset-controller')
    this.#podControl = new PodControl({ client: ctx.client, events: this.#events, expectations: this.#expectations })
    this.#queue = startQueue(ctx, {
      name: 'daemonset',
      concurrency: 2,
      after: [this.#daemonSets, this.#pods, this.#nodes, this.#history.informer],
      reconcile: (key) => this.#reconcile(key),
    })
  }

  start(): void {
    this.#daemonSets.onChange((change) => this.#daemonSetChanged(change))
    this.#pods.onChange((change) => this.#podChanged(change))
    this.#nodes.onChange((change) => this.#nodeChanged(change))
    this.#history.informer.onChange((change) => this.#revisionChanged(change))
  }

  #daemonSetChanged({ type, object }: CacheChange<DaemonSet>): void {
    const key = objectKey(object)
    if (type === 'deleted') this.#expectations.forget(key)
    this.#queue.add(key)
  }

  #podChanged(change: CacheChange<Pod>): void {
    const owners = (namespace: string) => this.#daemonSets.list(namespace)
    const dependents = { kind, expectations: this.#expectations, owners }
    for (const key of observePod(change, dependents)) this.#queue.add(key)
  }

  #nodeChanged(change: CacheChange<Node>): void {
    if (change.type === 'updated' && sameJson(placementFacts(change.old), placementFacts(change.object))) return
    for (const daemonSet of this.#daemonSets.list()) this.#queue.add(objectKey(daemonSet))
  }

  #revisionChanged(change: CacheChange<ControllerRevision>): void {
    const key = observeRevision(change, { kind, expectations: this.#expectations })
    if (key) this.#queue.add(key)
  }

  async #reconcile(key: string): Promise<void> {
    const daemonSet = this.#daemonSets.get(key)
    if (!daemonSet) return
    const expectedMs = this.#expectations.waitMs(key)
    if (expectedMs > 0) return this.#queue.addAfter(key, expectedMs)
    if (isEmptySelector(daemonSet.spec?.selector)) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.'
      this.#events.event(daemonSet, 'Warning', 'SelectingAll', message)
      return
    }
    if (daemonSet.metadata.deletionTimestamp) return
    const nodes = this.#nodes.list()
    const pods = await this.#claimedPods(daemonSet)
    const podsByNode = groupByNode(pods)
    const revisions = await this.#history.list(daemonSet)
    const { revision, collisionCount } = await this.#history.present(key, daemonSet, revisions)
    const present = { now: this.#ctx.clock.now(), revision: hashOf(revision) }
    const changed = await this.#manage(key, daemonSet, { nodes, podsByNode, present })
    if (!changed) {
      const status = daemonSetStatus(daemonSet, nodes, podsByNode, present, collisionCount)
      await this.#updateStatus(daemonSet, status)
    }
    const inUse = new Set([present.revision, ...pods.map(({ metadata }) => metadata.labels?.[revisionLabel] ?? '')])
    await this.#history.trim(daemonSet, revisions, inUse)
    const waitMs = nextAvailabilityMs(pods, daemonSet.spec?.minReadySeconds ?? 0, present.now)
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs)
  }

  async #claimedPods(daemonSet: DaemonSet): Promise<Pod[]> {
    const candidates = [
      ...this.#pods.byIndex(byController.name, daemonSet.metadata.uid ?? ''),
      ...this.#pods.byIndex(byController.name, orphansOf(daemonSet.metadata.namespace)),
    ]
    const target = { resource: resources.pods, ownerResource: resources.daemonSets, owner: daemonSet }
    return applyClaim(this.#ctx.client, target, claim(daemonSet, candidates))
  }

  /** True when a pod was created or deleted: its event brings the DaemonSet back here. */
  async #manage(key: string, daemonSet: DaemonSet, { nodes, podsByNode, present }: View): Promise<boolean> {
    const wanted = plan(daemonSet, nodes, podsByNode)
    const replaceable = new Set(wanted.failed.filter((pod) => this.#mayReplace(key, daemonSet, pod)))
    let remove = wanted.remove.filter((pod) => !wanted.failed.includes(pod) || replaceable.has(pod))
    let { create } = wanted
    if (create.length === 0 && remove.length === 0)
      ({ create, remove } = rollout(daemonSet, nodes, podsByNode, present))
    await this.#podControl.deleteAll(key, daemonSet, remove)
    const nodesToFill = create.slice(0, burstMax)
    await slowStart(nodesToFill.length, () => {
      const template = templateForNode(daemonSet, nodesToFill.shift() ?? '', present.revision)
      const pod = podFromTemplate(template, { resource: resources.daemonSets, owner: daemonSet })
      return this.#podControl.create(key, daemonSet, pod)
    })
    return remove.length + create.length > 0
  }

  /** A daemon that keeps failing is replaced ever more slowly. */
  #mayReplace(key: string, daemonSet: DaemonSet, pod: Pod): boolean {
    const place = `${daemonSet.metadata.uid}/${targetNode(pod)}`
    const now = this.#ctx.clock.now().getTime()
    const before = this.#failures.get(place)
    if (before && now < before.notBefore) {
      this.#queue.addAfter(key, before.notBefore - now)
      return false
    }
    const recent = before && now - before.notBefore < 2 * failureBackoffMs.max
    const count = recent ? before.count + 1 : 1
    const pauseMs = Math.min(failureBackoffMs.min * 2 ** (count - 1), failureBackoffMs.max)
    this.#failures.set(place, { count, notBefore: now + pauseMs })
    const message = `Found failed daemon pod ${objectKey(pod)} on node ${targetNode(pod)}, will try to kill it`
    this.#events.event(daemonSet, 'Warning', 'FailedDaemonPod', message)
    return true
  }

  async #updateStatus(daemonSet: DaemonSet, status: NonNullable<DaemonSet['status']>): Promise<void> {
    if (sameJson(daemonSet.status, status)) return
    await tolerateGone(this.#ctx.client.updateStatus(resources.daemonSets, { ...daemonSet, status }))
  }
}

/** What a sync sees: made once, so that all its steps see the same. */
interface View {
  readonly nodes: readonly Node[]
  readonly podsByNode: ReadonlyMap<string, Pod[]>
  readonly present: Present
}

/** What pods of a revision are labelled with. */
function hashOf({ metadata }: ControllerRevision): string {
  return metadata.labels?.[revisionLabel] ?? ''
}

function groupByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>()
  for (const pod of pods) {
    const node = targetNode(pod)
    if (node === undefined) continue
    const list = byNode.get(node)
    if (list) list.push(pod)
    else byNode.set(node, [pod])
  }
  return byNode
}

function placementFacts(node: Node) {
  return { labels: node.metadata.labels, taints: effectiveTaints(node) }
}
