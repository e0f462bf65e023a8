/**
 * StatefulSet controller: numbered pods with names that stay, made and removed in order, and updated from the highest
 * number down. It creates and deletes pods, makes their claims, keeps the set's ControllerRevisions and writes its
 * status; volumes and DNS are others' business.
 */
import type { ControllerRevision, StatefulSet, StatefulSetStatus } from '../../api/generated/apps.v1.ts'
import type { PersistentVolumeClaim, Pod } from '../../api/generated/v1.ts'
import { objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
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
import { namespaceTerminating, tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { applyClaim, byController, claim, orphansOf } from '../shared/owners.ts'
import { RevisionHistory } from '../shared/revisions.ts'
import { claimsFor, withOwners } from './claims.ts'
import { identityLabels, ordinalOf, podNameOf, podRevision } from './identity.ts'
import { newPod } from './new-pod.ts'
import { type Plan, plan, statefulSetStatus } from './plan.ts'

export function startStatefulSetController(ctx: ControllerContext): void {
  new StatefulSetController(ctx).start()
}

const kind = 'StatefulSet'

class StatefulSetController {
  readonly #ctx: ControllerContext
  readonly #sets: Informer<StatefulSet>
  readonly #pods: Informer<Pod>
  readonly #claims: Informer<PersistentVolumeClaim>
  readonly #history: RevisionHistory
  readonly #expectations: Expectations
  readonly #events: EventRecorder
  readonly #queue: WorkQueue

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#sets = ctx.informers.of(resources.statefulSets)
    this.#pods = ctx.informers.indexed(resources.pods, byController)
    this.#claims = ctx.informers.of(resources.persistentVolumeClaims)
    this.#expectations = new Expectations(ctx.clock)
    this.#history = new RevisionHistory({
      ctx,
      resource: resources.statefulSets,
      hashLabel: 'controller.kubernetes.io/hash',
      identity: ({ metadata }) => metadata.name,
      expectations: this.#expectations,
    })
    this.#events = ctx.events('statefulset-controller')
    this.#queue = startQueue(ctx, {
      name: 'statefulset',
      concurrency: 5,
      after: [this.#sets, this.#pods, this.#claims, this.#history.informer],
      reconcile: (key) => this.#reconcile(key),
    })
  }

  start(): void {
    this.#sets.onChange((change) => this.#setChanged(change))
    this.#pods.onChange((change) => this.#podChanged(change))
    this.#history.informer.onChange((change) => this.#revisionChanged(change))
  }

  #setChanged({ type, object }: CacheChange<StatefulSet>): void {
    const key = objectKey(object)
    if (type === 'deleted') this.#expectations.forget(key)
    this.#queue.add(key)
  }

  #podChanged(change: CacheChange<Pod>): void {
    const owners = (namespace: string) => this.#sets.list(namespace)
    const dependents = { kind, expectations: this.#expectations, owners }
    for (const key of observePod(change, dependents)) this.#queue.add(key)
  }

  #revisionChanged(change: CacheChange<ControllerRevision>): void {
    const key = observeRevision(change, { kind, expectations: this.#expectations })
    if (key) this.#queue.add(key)
  }

  async #reconcile(key: string): Promise<void> {
    const set = this.#sets.get(key)
    if (!set) return
    const expectedMs = this.#expectations.waitMs(key)
    if (expectedMs > 0) return this.#queue.addAfter(key, expectedMs)
    const pods = await this.#claimedPods(set)
    const revisions = await this.#history.list(set)
    const { revision: update, collisionCount } = await this.#history.present(key, set, revisions)
    const current = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update
    const input = { pods, current, update, now: this.#ctx.clock.now() }
    // Before a pod that is too many goes: then its claims may have to go with it.
    for (const pod of pods) await this.#keepClaimOwners(set, pod)
    const steps = set.metadata.deletionTimestamp ? undefined : plan(set, input)
    const outcome = steps ? await this.#carryOut(key, set, steps) : { changed: false }
    // The event of what changed brings the set back here: one write for both.
    if (!outcome.changed || outcome.error) await this.#updateStatus(set, statefulSetStatus(set, input, collisionCount))
    if (outcome.error) throw outcome.error
    const inUse = new Set([current.metadata.name, update.metadata.name, ...pods.map((pod) => podRevision(pod) ?? '')])
    await this.#history.trim(set, revisions, inUse)
    const waitMs = nextAvailabilityMs(pods, set.spec?.minReadySeconds ?? 0, input.now)
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs)
  }

  async #claimedPods(set: StatefulSet): Promise<Pod[]> {
    const orphans = this.#pods.byIndex(byController.name, orphansOf(set.metadata.namespace))
    const candidates = [
      ...this.#pods.byIndex(byController.name, set.metadata.uid ?? ''),
      ...orphans.filter((pod) => ordinalOf(set, pod) !== undefined),
    ]
    const target = { resource: resources.pods, ownerResource: resources.statefulSets, owner: set }
    return applyClaim(this.#ctx.client, target, claim(set, candidates))
  }

  async #carryOut(key: string, set: StatefulSet, steps: Plan): Promise<{ changed: boolean; error?: unknown }> {
    const { create, remove, ended, relabel } = steps
    for (const pod of ended) this.#reportEnded(set, pod)
    const queue = create.slice(0, burstMax)
    const results = await Promise.allSettled([
      ...relabel.map(({ pod, ordinal }) => this.#relabel(set, pod, ordinal)),
      ...remove.map((pod) => this.#delete(key, set, pod)),
      slowStart(queue.length, async () => {
        const next = queue.shift()
        if (!next) return
        for (const claim of claimsFor(set, next.ordinal)) await this.#ensureClaim(set, claim, next.ordinal)
        await this.#create(key, set, newPod(set, next.ordinal, next.revision))
      }),
    ])
    const failed = results.find((result) => result.status === 'rejected')
    const changed = create.length + remove.length + relabel.length > 0
    return { changed, ...(failed && { error: failed.reason }) }
  }

  #reportEnded(set: StatefulSet, pod: Pod): void {
    const text = (how: string) => `StatefulSet ${objectKey(set)} is recreating ${how} Pod ${pod.metadata.name}`
    if (pod.status?.phase === 'Failed') this.#events.event(set, 'Warning', 'RecreatingFailedPod', text('failed'))
    else this.#events.event(set, 'Normal', 'RecreatingTerminatedPod', text('terminated'))
  }

  /** A claim that is there is the pod's, whoever made it. */
  async #ensureClaim(set: StatefulSet, claim: PersistentVolumeClaim, ordinal: number): Promise<void> {
    const existing = this.#claims.get(objectKey(claim))
    const what = `create Claim ${claim.metadata.name} Pod ${podNameOf(set, ordinal)} in StatefulSet ${set.metadata.name}`
    try {
      if (existing?.metadata.deletionTimestamp) throw new Error(`pvc ${claim.metadata.name} is being deleted`)
      if (existing) return
      await this.#ctx.client.create(resources.persistentVolumeClaims, claim)
      this.#events.event(set, 'Normal', 'SuccessfulCreate', `${what} success`)
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) return
      const { message } = error as Error
      this.#events.event(set, 'Warning', 'FailedCreate', `${what} failed error: ${message}`)
      throw error
    }
  }

  async #keepClaimOwners(set: StatefulSet, pod: Pod): Promise<void> {
    const ordinal = ordinalOf(set, pod)
    if (ordinal === undefined) return
    for (const wanted of claimsFor(set, ordinal)) {
      const claim = this.#claims.get(objectKey(wanted))
      const next = claim && withOwners(set, pod, claim)
      if (next) await tolerateGone(this.#ctx.client.update(resources.persistentVolumeClaims, next))
    }
  }

  async #create(key: string, set: StatefulSet, pod: Pod): Promise<void> {
    await this.#reported(set, { verb: 'create', pod }, () =>
      this.#expectations.creating(key, () => this.#ctx.client.create(resources.pods, pod)),
    )
  }

  async #delete(key: string, set: StatefulSet, pod: Pod): Promise<void> {
    const { uid = '' } = pod.metadata
    const remove = () => this.#ctx.client.delete(resources.pods, pod.metadata, { preconditions: { uid } })
    await this.#reported(set, { verb: 'delete', pod }, () => this.#expectations.deleting(key, uid, remove))
  }

  async #relabel(set: StatefulSet, pod: Pod, ordinal: number): Promise<void> {
    const patch = { metadata: { uid: pod.metadata.uid, labels: identityLabels(set, ordinal) } }
    await this.#reported(set, { verb: 'update', pod }, () =>
      this.#ctx.client.patch(resources.pods, pod.metadata, patch),
    )
  }

  /** Runs a request for a pod and says on the set how it went, in upstream's words. */
  async #reported(
    set: StatefulSet,
    { verb, pod }: { verb: 'create' | 'delete' | 'update'; pod: Pod },
    request: () => Promise<unknown>,
  ): Promise<void> {
    const what = `${verb} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`
    const suffix = { create: 'Create', delete: 'Delete', update: 'Update' }[verb]
    try {
      await request()
      this.#events.event(set, 'Normal', `Successful${suffix}`, `${what} successful`)
    } catch (error) {
      if (verb === 'create' ? namespaceTerminating(error) : isReason(error, 'NotFound')) return
      const { message } = error as Error
      if (!isReason(error, 'Conflict'))
        this.#events.event(set, 'Warning', `Failed${suffix}`, `${what} failed error: ${message}`)
      throw error
    }
  }

  async #updateStatus(set: StatefulSet, status: StatefulSetStatus): Promise<void> {
    if (sameJson(set.status, status)) return
    await tolerateGone(this.#ctx.client.updateStatus(resources.statefulSets, { ...set, status }))
  }
}
