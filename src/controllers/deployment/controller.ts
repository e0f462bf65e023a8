/**
 * One pass over a Deployment. It does one step (create, resize, or report) and relies on the ReplicaSets' events for the
 * next, so that the status is written when something settled and not with every step.
 */

import { isPodTerminal } from '../../api/core/pod/conditions.ts'
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { controllerOf, objectKey } from '../../api/machinery/object.ts'
import { isEmptySelector } from '../../api/machinery/selectors.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { applyClaim, byController, claim, orphansOf, ownersToSync } from '../shared/owners.ts'
import { ReplicaSetControl } from './replica-sets.ts'
import { buildReplicaSet, findNewReplicaSet, later, nextRevision, revisionOf, withRevision } from './revision.ts'
import {
  active,
  currentSize,
  desiredReplicas,
  type Family,
  isRollingUpdate,
  isScaling,
  maxReplicas,
  rescale,
  shrinkOld,
} from './rolling.ts'
import {
  baseStatus,
  condition,
  deadlineInMs,
  deadlineSeconds,
  isComplete,
  rolloutStatus,
  withPause,
  withProgressing,
} from './status.ts'

export class DeploymentController {
  readonly #ctx: ControllerContext
  readonly #deployments: Informer<Deployment>
  readonly #replicaSets: Informer<ReplicaSet>
  readonly #pods: Informer<Pod>
  readonly #events: EventRecorder
  readonly #control: ReplicaSetControl
  readonly #queue: WorkQueue

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#deployments = ctx.informers.of(resources.deployments)
    this.#replicaSets = ctx.informers.indexed(resources.replicaSets, byController)
    this.#pods = ctx.informers.indexed(resources.pods, byController)
    this.#events = ctx.events('deployment-controller')
    this.#control = new ReplicaSetControl({ client: ctx.client, events: this.#events })
    this.#queue = startQueue(ctx, {
      name: 'deployment',
      concurrency: 5,
      after: [this.#deployments, this.#replicaSets, this.#pods],
      reconcile: (key) => this.#reconcile(key),
    })
  }

  start(): void {
    this.#deployments.onChange(({ object }) => this.#queue.add(objectKey(object)))
    this.#replicaSets.onChange((change) => this.#replicaSetChanged(change))
    this.#pods.onChange((change) => this.#podChanged(change))
  }

  #replicaSetChanged(change: CacheChange<ReplicaSet>): void {
    const owners = (namespace: string) => this.#deployments.list(namespace)
    for (const key of ownersToSync(change, { kind: 'Deployment', owners })) this.#queue.add(key)
  }

  /** Only Recreate waits for pods: it goes on when the last old one has ended. */
  #podChanged({ type, object }: CacheChange<Pod>): void {
    if (type !== 'deleted' && !isPodTerminal(object)) return
    const owner = controllerOf(object)
    const replicaSet = owner && this.#replicaSets.get(`${object.metadata.namespace}/${owner.name}`)
    const key = replicaSet && `${object.metadata.namespace}/${controllerOf(replicaSet)?.name}`
    const deployment = key && this.#deployments.get(key)
    if (deployment && !isRollingUpdate(deployment)) this.#queue.add(objectKey(deployment))
  }

  async #reconcile(key: string): Promise<void> {
    const deployment = this.#deployments.get(key)
    if (!deployment) return
    if (isEmptySelector(deployment.spec?.selector)) return this.#refuseEmptySelector(deployment)
    const family = await this.#family(deployment)
    if (deployment.metadata.deletionTimestamp) {
      await this.#writeStatus(deployment, baseStatus(deployment, family, this.#ctx.clock.now()))
      return
    }
    const marked = withPause(deployment, this.#ctx.clock.now())
    if (deployment.spec?.paused || isScaling(marked, family)) return this.#scaleOnly(marked, family)
    return isRollingUpdate(marked) ? this.#roll(marked, family) : this.#recreate(marked, family)
  }

  async #family(deployment: Deployment): Promise<Family> {
    const candidates = [
      ...this.#replicaSets.byIndex(byController.name, deployment.metadata.uid ?? ''),
      ...this.#replicaSets.byIndex(byController.name, orphansOf(deployment.metadata.namespace)),
    ]
    const target = { resource: resources.replicaSets, ownerResource: resources.deployments, owner: deployment }
    const all = await applyClaim(this.#ctx.client, target, claim(deployment, candidates))
    const current = findNewReplicaSet(deployment, all)
    return { current, old: all.filter((replicaSet) => replicaSet !== current) }
  }

  async #refuseEmptySelector(deployment: Deployment): Promise<void> {
    const message = 'This deployment is selecting all pods. A non-empty selector is required.'
    this.#events.event(deployment, 'Warning', 'SelectingAll', message)
    const observedGeneration = deployment.metadata.generation ?? 0
    await this.#writeStatus(deployment, { ...deployment.status, observedGeneration })
  }

  async #scaleOnly(deployment: Deployment, family: Family): Promise<void> {
    if (await this.#control.resize(deployment, rescale(deployment, family))) return
    if (deployment.spec?.paused) await this.#control.deleteExcess(deployment, family)
    await this.#writeStatus(deployment, baseStatus(deployment, family, this.#ctx.clock.now()))
  }

  async #roll(deployment: Deployment, family: Family): Promise<void> {
    const prepared = await this.#prepareCurrent(deployment, family)
    if (!prepared) return
    const { current } = family
    if (current) {
      const replicas = currentSize(deployment, family)
      if (await this.#control.resize(deployment, [{ replicaSet: current, replicas }])) return
    }
    if (await this.#control.resize(deployment, shrinkOld(deployment, family))) return
    await this.#report(prepared, family)
  }

  async #recreate(deployment: Deployment, family: Family): Promise<void> {
    const shrink = active(family.old).map((replicaSet) => ({ replicaSet, replicas: 0 }))
    if (await this.#control.resize(deployment, shrink)) return
    if (this.#oldPodsRun(family)) return this.#report(deployment, family)
    const prepared = await this.#prepareCurrent(deployment, family)
    if (!prepared) return
    const { current } = family
    const replicas = desiredReplicas(deployment)
    if (current && (await this.#control.resize(deployment, [{ replicaSet: current, replicas }]))) return
    await this.#report(prepared, family)
  }

  #oldPodsRun({ old }: Family): boolean {
    return old.some(
      (replicaSet) =>
        (replicaSet.status?.replicas ?? 0) > 0 ||
        this.#pods.byIndex(byController.name, replicaSet.metadata.uid ?? '').some((pod) => !isPodTerminal(pod)),
    )
  }

  /** Undefined when something was written whose event comes back; else the Deployment with what its status must say. */
  async #prepareCurrent(deployment: Deployment, family: Family): Promise<Deployment | undefined> {
    const revision = nextRevision(family.old)
    const { current } = family
    if (!current) return this.#create(deployment, family, revision)
    if (await this.#control.annotate(deployment, current, revision)) return undefined
    const numbered = withRevision(deployment, later(revision, revisionOf(current)))
    if (deadlineSeconds(deployment) === undefined || condition(deployment.status, 'Progressing')) return numbered
    const message = `Found new replica set ${JSON.stringify(current.metadata.name)}`
    return withProgressing(numbered, { status: 'True', reason: 'FoundNewReplicaSet', message }, this.#ctx.clock.now())
  }

  async #create(deployment: Deployment, family: Family, revision: bigint): Promise<undefined> {
    const replicas = currentSize(deployment, family)
    const wanted = buildReplicaSet(deployment, { revision, replicas, maxReplicas: maxReplicas(deployment) })
    const created = await this.#control.create(deployment, wanted)
    if ('error' in created) return this.#reportFailedCreate(deployment, created.error)
    if (created.as === 'existing') return undefined
    if (created.as === 'collision') {
      const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
      await this.#writeStatus(deployment, { ...deployment.status, collisionCount })
      return undefined
    }
    if (deadlineSeconds(deployment) === undefined) return undefined
    const now = this.#ctx.clock.now()
    const message = `Created new replica set ${JSON.stringify(wanted.metadata.name)}`
    const progressing = { status: 'True', reason: 'NewReplicaSetCreated', message } as const
    const numbered = withProgressing(withRevision(deployment, revision), progressing, now)
    await this.#writeStatus(numbered, baseStatus(numbered, family, now))
    return undefined
  }

  async #reportFailedCreate(deployment: Deployment, error: Error): Promise<never> {
    if (deadlineSeconds(deployment) !== undefined) {
      const failed = { status: 'False', reason: 'ReplicaSetCreateError', message: error.message } as const
      const marked = withProgressing(deployment, failed, this.#ctx.clock.now())
      await this.#writeStatus(marked, { ...marked.status })
    }
    throw error
  }

  async #report(deployment: Deployment, family: Family): Promise<void> {
    const now = this.#ctx.clock.now()
    const status = rolloutStatus(deployment, family, now)
    if (isComplete(deployment, status)) await this.#control.deleteExcess(deployment, family)
    await this.#writeStatus(deployment, status)
    const leftMs = deadlineInMs(deployment, status, now)
    if (leftMs !== undefined && leftMs > -1000) this.#queue.addAfter(objectKey(deployment), leftMs + 1000)
  }

  /** Writes status and revision annotation when either differs from what the cache holds. */
  async #writeStatus(deployment: Deployment, status: DeploymentStatus): Promise<void> {
    const cached = this.#deployments.get(objectKey(deployment))
    const sameRevision = cached && revisionOf(cached) === revisionOf(deployment)
    if (sameRevision && sameJson(cached.status, status)) return
    await tolerateGone(this.#ctx.client.updateStatus(resources.deployments, { ...deployment, status }))
  }
}
