/**
 * Garbage collector: deletes what lost all its owners, finishes foreground deletion and orphaning. It reads metadata of
 * every resource and nothing else; a live read confirms each deletion, so a late cache deletes nothing.
 */
import type { KubeObject, OwnerReference } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { CacheChange, ObjectName, Resource } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'
import {
  foregroundFinalizer,
  Graph,
  type GraphNode,
  isForeground,
  judge,
  type OwnerState,
  orphanFinalizer,
} from './graph.ts'

/** Events are owned by nobody and are many: the graph leaves them out. */
const ignored: readonly Resource<KubeObject>[] = [resources.events]

/** Start it last: it shares the informers others asked for, and makes metadata-only ones for the rest. */
export function startGarbageCollector(ctx: ControllerContext, all: readonly Resource<KubeObject>[]): void {
  const graphed = all.filter((resource) => !ignored.includes(resource))
  new GarbageCollector(ctx, graphed).start()
}

class GarbageCollector {
  readonly #ctx: ControllerContext
  readonly #resources: readonly Resource<KubeObject>[]
  readonly #informers: readonly Informer<KubeObject>[]
  readonly #graph = new Graph()
  readonly #events: EventRecorder
  readonly #queue: WorkQueue

  constructor(ctx: ControllerContext, all: readonly Resource<KubeObject>[]) {
    this.#ctx = ctx
    this.#resources = all
    this.#events = ctx.events('garbage-collector-controller')
    this.#informers = all.map((resource) => ctx.informers.metadataOf(resource))
    this.#queue = startQueue(ctx, {
      name: 'garbage-collector',
      concurrency: 8,
      after: this.#informers,
      reconcile: (uid) => this.#process(uid),
    })
  }

  start(): void {
    for (const [i, informer] of this.#informers.entries()) {
      const resource = this.#resources[i]
      if (resource) informer.onChange((change) => this.#changed(resource, change))
    }
  }

  #changed(resource: Resource<KubeObject>, change: CacheChange<KubeObject>): void {
    const { object } = change
    const uid = object.metadata.uid ?? ''
    if (change.type === 'deleted') return this.#gone(uid)
    const before = this.#graph.get(uid)
    // Most events change neither owners nor deletion: nothing to do, and nothing to allocate.
    if (before && change.type === 'updated' && sameOwnership(change.old, object)) return
    const node = this.#graph.put(resource, object)
    if (node.owners.length > 0 || (node.deleting && needsWork(node))) this.#queue.add(uid)
    for (const former of before?.owners ?? []) this.#ownerMayProceed(former.uid)
    // Dependents may be blocked, or may have to go first.
    if (isForeground(node) && !(before && isForeground(before))) this.#enqueueDependents(uid)
  }

  #gone(uid: string): void {
    const node = this.#graph.get(uid)
    this.#graph.remove(uid)
    this.#enqueueDependents(uid)
    for (const owner of node?.owners ?? []) this.#ownerMayProceed(owner.uid)
  }

  #enqueueDependents(uid: string): void {
    for (const dependent of this.#graph.dependents(uid)) this.#queue.add(dependent.uid)
  }

  #ownerMayProceed(uid: string): void {
    const owner = this.#graph.get(uid)
    if (owner && isForeground(owner)) this.#queue.add(uid)
  }

  async #process(uid: string): Promise<void> {
    const node = this.#graph.get(uid)
    if (!node) return
    if (node.deleting && node.finalizers.includes(orphanFinalizer)) return this.#orphanDependents(node)
    if (isForeground(node)) return this.#finishForeground(node)
    if (node.deleting || node.owners.length === 0) return
    const states = await this.#ownerStates(node)
    const verdict = judge(node, states, this.#graph.dependents(uid))
    if (verdict.action === 'keep') return
    const live = await this.#live(node)
    if (!live || !isCurrent(node, live)) return
    if (verdict.action === 'detach') return this.#detach(node, verdict.uids)
    const current = verdict.unblocks ? await this.#unblockOwners(node) : live
    if (!current) return
    const { resourceVersion } = current.metadata
    const preconditions = { uid, ...(resourceVersion && { resourceVersion }) }
    await tolerateGone(
      this.#ctx.client.delete(node.resource, at(node), {
        propagationPolicy: verdict.propagationPolicy,
        preconditions,
      }),
    )
  }

  async #ownerStates(node: GraphNode): Promise<Map<string, OwnerState>> {
    const states = new Map<string, OwnerState>()
    for (const owner of node.owners) states.set(owner.uid, await this.#ownerState(node, owner))
    return states
  }

  async #ownerState(node: GraphNode, reference: OwnerReference): Promise<OwnerState> {
    const resource = this.#resources.find((r) => r.kind === reference.kind && groupOf(reference) === r.group)
    const known = this.#graph.get(reference.uid)
    const isIt = known?.name === reference.name && isIn(known, node) && known.resource === resource
    if (known && !isIt) this.#reportForeign(node, reference)
    // An unknown kind may be one that is served later; a namespaced owner of a cluster object can never be.
    if (!resource || (resource.namespaced && !node.namespace)) return 'unresolvable'
    if (known && isIt) return isForeground(known) && reference.blockOwnerDeletion ? 'waiting' : 'solid'
    const namespace = resource.namespaced ? node.namespace : ''
    try {
      const live = await this.#ctx.client.get(resource, { ...(namespace && { namespace }), name: reference.name })
      return live.metadata.uid === reference.uid ? 'solid' : 'absent'
    } catch (error) {
      if (isReason(error, 'NotFound')) return 'absent'
      throw error
    }
  }

  /** The uid is that of an object somewhere else, or of another kind or name: most likely a mistake. */
  #reportForeign({ resource, namespace, name, uid }: GraphNode, reference: OwnerReference): void {
    const owner = `${reference.apiVersion}/${reference.kind}, namespace: ${namespace}, name: ${reference.name}, uid: ${reference.uid}`
    const message = `ownerRef [${owner}] does not exist in namespace ${JSON.stringify(namespace)}`
    const { group, version, kind } = resource
    const metadata = { name, uid, ...(namespace && { namespace }) }
    const dependent = { apiVersion: group ? `${group}/${version}` : version, kind, metadata }
    this.#events.event(dependent, 'Warning', 'OwnerRefInvalidNamespace', message)
  }

  async #live(node: GraphNode): Promise<KubeObject | undefined> {
    const live = await tolerateGone(this.#ctx.client.get(node.resource, at(node)))
    return live?.metadata.uid === node.uid ? live : undefined
  }

  async #detach(node: GraphNode, uids: readonly string[]): Promise<void> {
    const ownerReferences = uids.map((uid) => ({ $patch: 'delete', uid }))
    const patch = { metadata: { uid: node.uid, ownerReferences } }
    await tolerateGone(this.#ctx.client.patch(node.resource, at(node), patch))
  }

  /** Where owners go round in a circle, somebody has to go before what it owns. */
  async #unblockOwners(node: GraphNode): Promise<KubeObject | undefined> {
    const ownerReferences = node.owners.map(({ uid }) => ({ uid, blockOwnerDeletion: false }))
    const patch = { metadata: { uid: node.uid, ownerReferences } }
    return tolerateGone(this.#ctx.client.patch(node.resource, at(node), patch))
  }

  async #finishForeground(node: GraphNode): Promise<void> {
    const blockers = this.#graph.blockers(node.uid)
    if (blockers.length === 0) return this.#removeFinalizer(node, foregroundFinalizer)
    for (const blocker of blockers) if (!blocker.deleting) this.#queue.add(blocker.uid)
  }

  async #orphanDependents(node: GraphNode): Promise<void> {
    await Promise.all(this.#graph.dependents(node.uid).map((dependent) => this.#detach(dependent, [node.uid])))
    await this.#removeFinalizer(node, orphanFinalizer)
  }

  async #removeFinalizer(node: GraphNode, finalizer: string): Promise<void> {
    const live = await this.#live(node)
    if (!live?.metadata.finalizers?.includes(finalizer)) return
    const { uid = '', resourceVersion } = live.metadata
    const finalizers = live.metadata.finalizers.filter((f) => f !== finalizer)
    await tolerateGone(
      this.#ctx.client.patch(
        node.resource,
        at(node),
        { metadata: { uid, resourceVersion, finalizers } },
        { type: 'application/merge-patch+json' },
      ),
    )
  }
}

/** What the graph says of the object is still so. When not, the event that says so will follow. */
function isCurrent(node: GraphNode, { metadata }: KubeObject): boolean {
  const uids = (metadata.ownerReferences ?? []).map((owner) => owner.uid)
  return !metadata.deletionTimestamp && String(uids) === String(node.owners.map((owner) => owner.uid))
}

/** Owners are of the dependent's namespace, or of none. */
function isIn(owner: GraphNode, dependent: GraphNode): boolean {
  return owner.namespace === '' || owner.namespace === dependent.namespace
}

function at({ namespace, name }: GraphNode): ObjectName {
  return namespace ? { namespace, name } : { name }
}

function groupOf({ apiVersion }: OwnerReference): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
}

function needsWork({ finalizers }: GraphNode): boolean {
  return finalizers.includes(foregroundFinalizer) || finalizers.includes(orphanFinalizer)
}

/** Owners, deletion and finalizers are what they were. */
function sameOwnership({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  return (
    a.deletionTimestamp === b.deletionTimestamp &&
    String(a.finalizers ?? '') === String(b.finalizers ?? '') &&
    ownersText(a.ownerReferences) === ownersText(b.ownerReferences)
  )
}

function ownersText(owners: readonly OwnerReference[] = []): string {
  return owners.map((owner) => `${owner.uid}${owner.blockOwnerDeletion ? '!' : ''}`).join()
}
