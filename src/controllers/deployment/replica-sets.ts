/** Creates, resizes and deletes the ReplicaSets of Deployments, and says so in Events. */
import type { Deployment, ReplicaSet } from '../../api/generated/apps.v1.ts'
import { controllerOf } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { KubeClient } from '../../client/contract.ts'
import type { EventRecorder } from '../../client/events.ts'
import { resources } from '../../client/resources.ts'
import { tolerateGone } from '../shared/gone.ts'
import { sameJson } from '../shared/hash.ts'
import { findNewReplicaSet, newReplicaSetAnnotations, revisionOf, sizeAnnotations, specReplicas } from './revision.ts'
import { desiredReplicas, type Family, maxReplicas, type Resize } from './rolling.ts'

interface ReplicaSetControlOptions {
  readonly client: KubeClient
  readonly events: EventRecorder
}

/** `existing`: ours, which the cache does not show yet. `collision`: another template of this hash has the name. */
export type Creation = { readonly as: 'new' | 'existing' | 'collision' } | { readonly error: Error }

export class ReplicaSetControl {
  readonly #client: KubeClient
  readonly #events: EventRecorder

  constructor({ client, events }: ReplicaSetControlOptions) {
    this.#client = client
    this.#events = events
  }

  async create(deployment: Deployment, wanted: ReplicaSet): Promise<Creation> {
    const { name } = wanted.metadata
    try {
      await this.#client.create(resources.replicaSets, wanted)
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) return this.#existing(deployment, wanted)
      const failure = error instanceof Error ? error : new Error(String(error))
      const message = `Failed to create new replica set ${JSON.stringify(name)}: ${failure.message}`
      this.#events.event(deployment, 'Warning', 'ReplicaSetCreateError', message)
      return { error: failure }
    }
    if (specReplicas(wanted) > 0) this.#reportScaled(deployment, name, { from: 0, to: specReplicas(wanted) })
    return { as: 'new' }
  }

  async #existing(deployment: Deployment, wanted: ReplicaSet): Promise<Creation> {
    const existing = await this.#client.get(resources.replicaSets, wanted.metadata)
    const ours = controllerOf(existing)?.uid === deployment.metadata.uid
    return { as: ours && findNewReplicaSet(deployment, [existing]) ? 'existing' : 'collision' }
  }

  /** Annotations and `minReadySeconds` of the current ReplicaSet follow the Deployment's; false: they did already. */
  async annotate(deployment: Deployment, current: ReplicaSet, revision: bigint): Promise<boolean> {
    const annotations = newReplicaSetAnnotations(deployment, current.metadata.annotations ?? {}, revision)
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0
    const sameMinReady = (current.spec?.minReadySeconds ?? 0) === minReadySeconds
    if (sameMinReady && sameJson(annotations, current.metadata.annotations)) return false
    const spec = { selector: {}, ...current.spec, minReadySeconds }
    const metadata = { ...current.metadata, annotations }
    await this.#client.update(resources.replicaSets, { ...current, metadata, spec })
    return true
  }

  /** Gives ReplicaSets their size; false when all had it already. */
  async resize(deployment: Deployment, sizes: readonly Resize[]): Promise<boolean> {
    const annotations = sizeAnnotations(desiredReplicas(deployment), maxReplicas(deployment))
    let changed = false
    for (const { replicaSet, replicas } of sizes) {
      const before = specReplicas(replicaSet)
      const merged = { ...replicaSet.metadata.annotations, ...annotations }
      if (before === replicas && (replicas === 0 || sameJson(merged, replicaSet.metadata.annotations))) continue
      changed = true
      await this.#client.update(resources.replicaSets, {
        ...replicaSet,
        metadata: { ...replicaSet.metadata, annotations: merged },
        spec: { selector: {}, ...replicaSet.spec, replicas },
      })
      if (before !== replicas) this.#reportScaled(deployment, replicaSet.metadata.name, { from: before, to: replicas })
    }
    return changed
  }

  #reportScaled(deployment: Deployment, name: string, { from, to }: { from: number; to: number }): void {
    const message = `Scaled ${from < to ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`
    this.#events.event(deployment, 'Normal', 'ScalingReplicaSet', message)
  }

  /** Deletes the oldest empty ReplicaSets past the history limit. */
  async deleteExcess(deployment: Deployment, { old }: Family): Promise<void> {
    const limit = deployment.spec?.revisionHistoryLimit ?? 10
    const idle = old.filter(
      ({ metadata, status, spec }) =>
        !metadata.deletionTimestamp &&
        (status?.replicas ?? 0) === 0 &&
        spec?.replicas === 0 &&
        (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0),
    )
    const excess = idle
      .toSorted((a, b) => Number(revisionOf(a) - revisionOf(b)))
      .slice(0, Math.max(0, idle.length - limit))
    for (const { metadata } of excess) {
      await tolerateGone(this.#client.delete(resources.replicaSets, metadata))
    }
  }
}
