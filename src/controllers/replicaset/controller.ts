/**
 * The engine of ReplicaSets and ReplicationControllers: as many active pods as `spec.replicas` says. It creates and
 * deletes pods and writes the owner's status; it knows nothing of Deployments but that ReplicaSets may share an owner.
 */
import { isPodActive, isPodTerminating } from '../../api/core/pod/conditions.ts'
import type { ReplicaSet, ReplicaSetStatus } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { controllerOf, type KubeObject, objectKey } from '../../api/machinery/object.ts'
import type { CacheChange, Resource } from '../../client/contract.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { burstMax, slowStart } from '../shared/batch.ts'
import { observePod } from '../shared/changes.ts'
import { Expectations } from '../shared/expectations.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { applyClaim, byController, claim, orphansOf } from '../shared/owners.ts'
import { PodControl } from '../shared/pod-control.ts'
import { podFromTemplate } from '../shared/template.ts'
import { podsToDelete } from './ranking.ts'
import { nextAvailabilityMs, type ReplicaFailure, replicaSetStatus } from './status.ts'

/** A kind that keeps a number of pods, and how it is seen as a ReplicaSet. */
export interface ReplicaKind<T extends Replicated> {
  readonly resource: Resource<T>
  /** Source of its events. */
  readonly component: string
  /** Returns the same view for the same object. */
  readonly asReplicaSet: (object: T) => ReplicaSet
  readonly statusOf: (status: ReplicaSetStatus) => NonNullable<T['status']>
}

type Replicated = KubeObject & { status?: object }

export class ReplicaController<T extends Replicated> {
  readonly #ctx: ControllerContext
  readonly #kind: ReplicaKind<T>
  readonly #owners: Informer<T>
  readonly #pods: Informer<Pod>
  readonly #expectations: Expectations
  readonly #podControl: PodControl
  readonly #queue: WorkQueue

  constructor(ctx: ControllerContext, kind: ReplicaKind<T>) {
    this.#ctx = ctx
    this.#kind = kind
    this.#owners = ctx.informers.indexed(kind.resource, byController)
    this.#pods = ctx.informers.indexed(resources.pods, byController)
    this.#expectations = new Expectations(ctx.clock)
    const events = ctx.events(kind.component)
    this.#podControl = new PodControl({ client: ctx.client, events, expectations: this.#expectations })
    this.#queue = startQueue(ctx, {
      name: kind.resource.kind.toLowerCase(),
      concurrency: 5,
      after: [this.#owners, this.#pods],
      reconcile: (key) => this.#reconcile(key),
    })
  }

  start(): void {
    this.#owners.onChange((change) => this.#ownerChanged(change))
    this.#pods.onChange((change) => this.#podChanged(change))
  }

  #ownerChanged({ type, object }: CacheChange<T>): void {
    const key = objectKey(object)
    if (type === 'deleted') this.#expectations.forget(key)
    this.#queue.add(key)
  }

  #podChanged(change: CacheChange<Pod>): void {
    const owners = (namespace: string) => this.#owners.list(namespace).map(this.#kind.asReplicaSet)
    const dependents = { kind: this.#kind.resource.kind, expectations: this.#expectations, owners }
    for (const key of observePod(change, dependents)) this.#queue.add(key)
  }

  async #reconcile(key: string): Promise<void> {
    const object = this.#owners.get(key)
    if (!object) return
    const replicaSet = this.#kind.asReplicaSet(object)
    // Counting now would create pods twice, and a status would soon be wrong.
    const expectedMs = this.#expectations.waitMs(key)
    if (expectedMs > 0) return this.#queue.addAfter(key, expectedMs)
    const pods = await this.#claimedPods(replicaSet)
    const active = pods.filter(isPodActive)
    const outcome = replicaSet.metadata.deletionTimestamp ? { changed: 0 } : await this.#manage(key, replicaSet, active)
    if (outcome.changed === 0 || outcome.error) await this.#updateStatus(object, pods, outcome.failure)
    if (outcome.error) throw outcome.error
    const minReadySeconds = replicaSet.spec?.minReadySeconds ?? 0
    const waitMs = nextAvailabilityMs(active, minReadySeconds, this.#ctx.clock.now())
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs)
  }

  async #claimedPods(replicaSet: ReplicaSet): Promise<Pod[]> {
    const candidates = [
      ...this.#pods.byIndex(byController.name, replicaSet.metadata.uid ?? ''),
      ...this.#pods.byIndex(byController.name, orphansOf(replicaSet.metadata.namespace)).filter(isPodActive),
    ]
    const target = { resource: resources.pods, ownerResource: this.#kind.resource, owner: replicaSet }
    return applyClaim(this.#ctx.client, target, claim(replicaSet, candidates))
  }

  /** Creates or deletes what is missing or too much. */
  async #manage(key: string, replicaSet: ReplicaSet, active: readonly Pod[]): Promise<Outcome> {
    const missing = (replicaSet.spec?.replicas ?? 1) - active.length
    if (missing === 0) return { changed: 0 }
    const reason = missing > 0 ? 'FailedCreate' : 'FailedDelete'
    try {
      if (missing > 0) await this.#create(key, replicaSet, Math.min(missing, burstMax))
      else await this.#delete(key, replicaSet, active, Math.min(-missing, burstMax))
      return { changed: Math.abs(missing) }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return { changed: Math.abs(missing), error, failure: { reason, message } }
    }
  }

  async #create(key: string, replicaSet: ReplicaSet, count: number): Promise<void> {
    const pod = podFromTemplate(replicaSet.spec?.template, { resource: this.#kind.resource, owner: replicaSet })
    await slowStart(count, () => this.#podControl.create(key, replicaSet, pod))
  }

  async #delete(key: string, replicaSet: ReplicaSet, active: readonly Pod[], count: number): Promise<void> {
    const now = this.#ctx.clock.now()
    const victims = podsToDelete(active, { count, related: this.#relatedPods(replicaSet), now })
    await this.#podControl.deleteAll(key, replicaSet, victims)
  }

  /** Active pods of all ReplicaSets with the same controller; of this one when it has none. */
  #relatedPods(replicaSet: ReplicaSet): Pod[] {
    const owner = controllerOf(replicaSet)
    const siblings = owner ? this.#owners.byIndex(byController.name, owner.uid) : [replicaSet]
    return siblings
      .flatMap((sibling) => this.#pods.byIndex(byController.name, sibling.metadata.uid ?? ''))
      .filter(isPodActive)
  }

  async #updateStatus(object: T, pods: readonly Pod[], failure?: ReplicaFailure): Promise<void> {
    const computed = replicaSetStatus(this.#kind.asReplicaSet(object), {
      active: pods.filter(isPodActive),
      terminating: pods.filter(isPodTerminating),
      failure,
      now: this.#ctx.clock.now(),
    })
    const status = this.#kind.statusOf(computed)
    if (sameJson(object.status, status)) return
    await tolerateGone(this.#ctx.client.updateStatus(this.#kind.resource, { ...object, status }))
  }
}

interface Outcome {
  /** Pods created or deleted, or meant to be. */
  readonly changed: number
  readonly error?: unknown
  readonly failure?: ReplicaFailure
}
