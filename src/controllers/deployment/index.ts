/**
 * Deployment controller: one ReplicaSet per pod template, sized so that the change from one template to the next keeps
 * enough pods available. It writes ReplicaSets and the Deployment's status; pods are the ReplicaSet controller's.
 *
 * A sync does one step (create, resize, or report) and relies on the ReplicaSets' events for the next, so that the
 * status is written when something settled and not with every step.
 */

import { isPodTerminal } from '../../api/core/pod/conditions.ts'
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { controllerOf, objectKey } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informer } from '../../client/informer.ts'
import type { WorkQueue } from '../../client/queue.ts'
import { resources } from '../../client/resources.ts'
import { type ControllerContext, startQueue } from '../context.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { applyClaim, byController, claim, orphansOf, ownersToSync } from '../shared/owners.ts'
import { isEmptySelector } from '../shared/selector.ts'
import {
  buildReplicaSet,
  findNewReplicaSet,
  newReplicaSetAnnotations,
  nextRevision,
  revisionAnnotation,
  revisionOf,
  sizeAnnotations,
  specReplicas,
} from './revision.ts'
import {
  active,
  currentSize,
  desiredReplicas,
  type Family,
  isRollingUpdate,
  isScaling,
  maxReplicas,
  type Resize,
  rescale,
  shrinkOld,
} from './rolling.ts'
import {
  baseStatus,
  condition,
  deadlineInMs,
  deadlineSeconds,
  isComplete,
  type NewCondition,
  rolloutStatus,
  withCondition,
} from './status.ts'

export function startDeploymentController(ctx: ControllerContext): void {
  new DeploymentController(ctx).start()
}

class DeploymentController {
  readonly #ctx: ControllerContext
  readonly #deployments: Informer<Deployment>
  readonly #replicaSets: Informer<ReplicaSet>
  readonly #pods: Informer<Pod>
  readonly #events: EventRecorder
  readonly #queue: WorkQueue

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#deployments = ctx.informers.of(resources.deployments)
    this.#replicaSets = ctx.informers.indexed(resources.replicaSets, byController)
    this.#pods = ctx.informers.indexed(resources.pods, byController)
    this.#events = ctx.events('deployment-controller')
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
    const marked = this.#markPause(deployment)
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

  /** A paused rollout's deadline does not run; the condition says so, and says when it runs again. */
  #markPause(deployment: Deployment): Deployment {
    if (deadlineSeconds(deployment) === undefined) return deployment
    const reason = condition(deployment.status, 'Progressing')?.reason
    if (reason === 'ProgressDeadlineExceeded') return deployment
    const paused = deployment.spec?.paused ?? false
    if (paused === (reason === 'DeploymentPaused')) return deployment
    return this.#withProgressing(
      deployment,
      paused
        ? { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }
        : { status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' },
    )
  }

  /** The Deployment as if it had the condition; the next status write stores it. */
  #withProgressing(deployment: Deployment, progressing: Omit<NewCondition, 'type'>): Deployment {
    const before: DeploymentCondition[] = deployment.status?.conditions ?? []
    const conditions = withCondition(before, { type: 'Progressing', ...progressing }, this.#ctx.clock.now())
    return { ...deployment, status: { ...deployment.status, conditions } }
  }

  async #scaleOnly(deployment: Deployment, family: Family): Promise<void> {
    if (await this.#resize(deployment, rescale(deployment, family))) return
    if (deployment.spec?.paused) await this.#cleanUp(deployment, family)
    await this.#writeStatus(deployment, baseStatus(deployment, family, this.#ctx.clock.now()))
  }

  async #roll(deployment: Deployment, family: Family): Promise<void> {
    const prepared = await this.#prepareCurrent(deployment, family)
    if (!prepared) return
    const { current } = family
    if (current) {
      const replicas = currentSize(deployment, family)
      if (await this.#resize(deployment, [{ replicaSet: current, replicas }])) return
    }
    if (await this.#resize(deployment, shrinkOld(deployment, family))) return
    await this.#report(prepared, family)
  }

  async #recreate(deployment: Deployment, family: Family): Promise<void> {
    const shrink = active(family.old).map((replicaSet) => ({ replicaSet, replicas: 0 }))
    if (await this.#resize(deployment, shrink)) return
    if (this.#oldPodsRun(family)) return this.#report(deployment, family)
    const prepared = await this.#prepareCurrent(deployment, family)
    if (!prepared) return
    const { current } = family
    const replicas = desiredReplicas(deployment)
    if (current && (await this.#resize(deployment, [{ replicaSet: current, replicas }]))) return
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
    if (await this.#annotate(deployment, current, revision)) return undefined
    const numbered = withRevision(deployment, Math.max(revision, revisionOf(current)))
    if (deadlineSeconds(deployment) === undefined || condition(deployment.status, 'Progressing')) return numbered
    const message = `Found new replica set ${JSON.stringify(current.metadata.name)}`
    return this.#withProgressing(numbered, { status: 'True', reason: 'FoundNewReplicaSet', message })
  }

  /** Annotations and `minReadySeconds` of the current ReplicaSet follow the Deployment's. */
  async #annotate(deployment: Deployment, current: ReplicaSet, revision: number): Promise<boolean> {
    const annotations = newReplicaSetAnnotations(deployment, current.metadata.annotations ?? {}, revision)
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0
    const sameMinReady = (current.spec?.minReadySeconds ?? 0) === minReadySeconds
    if (sameMinReady && sameJson(annotations, current.metadata.annotations)) return false
    const spec = { selector: {}, ...current.spec, minReadySeconds }
    const metadata = { ...current.metadata, annotations }
    await this.#ctx.client.update(resources.replicaSets, { ...current, metadata, spec })
    return true
  }

  async #create(deployment: Deployment, family: Family, revision: number): Promise<undefined> {
    const replicas = currentSize(deployment, family)
    const wanted = buildReplicaSet(deployment, { revision, replicas, maxReplicas: maxReplicas(deployment) })
    const { name } = wanted.metadata
    try {
      await this.#ctx.client.create(resources.replicaSets, wanted)
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) return this.#reportFailedCreate(deployment, name, error)
      return this.#resolveCollision(deployment, wanted)
    }
    if (replicas > 0) {
      this.#events.event(
        deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled up replica set ${name} from 0 to ${replicas}`,
      )
    }
    if (deadlineSeconds(deployment) === undefined) return undefined
    const message = `Created new replica set ${JSON.stringify(name)}`
    const progressing = { status: 'True', reason: 'NewReplicaSetCreated', message } as const
    const numbered = this.#withProgressing(withRevision(deployment, revision), progressing)
    await this.#writeStatus(numbered, baseStatus(numbered, family, this.#ctx.clock.now()))
    return undefined
  }

  async #reportFailedCreate(deployment: Deployment, name: string, error: unknown): Promise<never> {
    const text = error instanceof Error ? error.message : String(error)
    const message = `Failed to create new replica set ${JSON.stringify(name)}: ${text}`
    this.#events.event(deployment, 'Warning', 'ReplicaSetCreateError', message)
    if (deadlineSeconds(deployment) !== undefined) {
      const failed = { status: 'False', reason: 'ReplicaSetCreateError', message: text } as const
      const marked = this.#withProgressing(deployment, failed)
      await this.#writeStatus(marked, { ...marked.status })
    }
    throw error
  }

  /** The name is taken: by our own ReplicaSet that the cache does not show yet, or by another template of that hash. */
  async #resolveCollision(deployment: Deployment, wanted: ReplicaSet): Promise<undefined> {
    const existing = await this.#ctx.client.get(resources.replicaSets, wanted.metadata)
    const ours = controllerOf(existing)?.uid === deployment.metadata.uid
    if (ours && findNewReplicaSet(deployment, [existing])) return undefined
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
    await this.#writeStatus(deployment, { ...deployment.status, collisionCount })
    return undefined
  }

  /** Gives ReplicaSets their size; false when all had it already. */
  async #resize(deployment: Deployment, sizes: readonly Resize[]): Promise<boolean> {
    const annotations = sizeAnnotations(desiredReplicas(deployment), maxReplicas(deployment))
    let changed = false
    for (const { replicaSet, replicas } of sizes) {
      const before = specReplicas(replicaSet)
      const merged = { ...replicaSet.metadata.annotations, ...annotations }
      if (before === replicas && (replicas === 0 || sameJson(merged, replicaSet.metadata.annotations))) continue
      changed = true
      await this.#ctx.client.update(resources.replicaSets, {
        ...replicaSet,
        metadata: { ...replicaSet.metadata, annotations: merged },
        spec: { selector: {}, ...replicaSet.spec, replicas },
      })
      if (before === replicas) continue
      const message = `Scaled ${before < replicas ? 'up' : 'down'} replica set ${replicaSet.metadata.name} from ${before} to ${replicas}`
      this.#events.event(deployment, 'Normal', 'ScalingReplicaSet', message)
    }
    return changed
  }

  async #report(deployment: Deployment, family: Family): Promise<void> {
    const now = this.#ctx.clock.now()
    const status = rolloutStatus(deployment, family, now)
    if (isComplete(deployment, status)) await this.#cleanUp(deployment, family)
    await this.#writeStatus(deployment, status)
    const leftMs = deadlineInMs(deployment, status, now)
    if (leftMs !== undefined && leftMs > -1000) this.#queue.addAfter(objectKey(deployment), leftMs + 1000)
  }

  /** Deletes the oldest empty ReplicaSets past the history limit. */
  async #cleanUp(deployment: Deployment, { old }: Family): Promise<void> {
    const limit = deployment.spec?.revisionHistoryLimit ?? 10
    const idle = old.filter(
      ({ metadata, status, spec }) =>
        !metadata.deletionTimestamp &&
        (status?.replicas ?? 0) === 0 &&
        spec?.replicas === 0 &&
        (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0),
    )
    const excess = idle.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, idle.length - limit))
    for (const { metadata } of excess) {
      await tolerateGone(this.#ctx.client.delete(resources.replicaSets, metadata))
    }
  }

  /** Writes status and revision annotation when either differs from what the cache holds. */
  async #writeStatus(deployment: Deployment, status: DeploymentStatus): Promise<void> {
    const cached = this.#deployments.get(objectKey(deployment))
    const sameRevision = cached && revisionOf(cached) === revisionOf(deployment)
    if (sameRevision && sameJson(cached.status, status)) return
    await tolerateGone(this.#ctx.client.updateStatus(resources.deployments, { ...deployment, status }))
  }
}

function withRevision(deployment: Deployment, revision: number): Deployment {
  if (revisionOf(deployment) === revision) return deployment
  const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: String(revision) }
  return { ...deployment, metadata: { ...deployment.metadata, annotations } }
}
