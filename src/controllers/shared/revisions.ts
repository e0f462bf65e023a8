/**
 * The history of a StatefulSet or DaemonSet: one ControllerRevision for each template it had. `kubectl rollout
 * history|undo` read them; `data` is the patch that brings the template back.
 */
import type { ControllerRevision } from '../../api/generated/apps.v1.ts'
import type { PodTemplateSpec } from '../../api/generated/v1.ts'
import type { KubeObject, LabelSelector } from '../../api/machinery/object.ts'
import { controllerOf } from '../../api/machinery/object.ts'
import { isReason } from '../../api/machinery/status.ts'
import type { Resource } from '../../client/contract.ts'
import type { Informer } from '../../client/informer.ts'
import { resources } from '../../client/resources.ts'
import type { ControllerContext } from '../context.ts'
import type { Expectations } from './expectations.ts'
import { tolerateGone } from './gone.ts'
import { canonicalJson, templateHash } from './hash.ts'
import { applyClaim, byController, claim, controllerReference, orphansOf } from './owners.ts'

/** On pods: the revision they were made of. */
export const revisionLabel = 'controller-revision-hash'

export interface RevisionOwner extends KubeObject {
  spec?: { selector: LabelSelector; template: PodTemplateSpec; revisionHistoryLimit?: number }
  status?: { collisionCount?: number }
}

export interface HistoryOptions {
  readonly ctx: ControllerContext
  /** The owner's kind. */
  readonly resource: Resource<KubeObject>
  /** The label of a revision that holds the hash of its template. */
  readonly hashLabel: string
  /** What the revision is called in the `revisionLabel` of pods. */
  readonly identity: (revision: ControllerRevision) => string
  /** A revision that was created is expected in the cache before the owner is looked at again. */
  readonly expectations: Expectations
}

export interface PresentRevision {
  readonly revision: ControllerRevision
  /** How many other templates had the same hash so far. */
  readonly collisionCount: number
}

export class RevisionHistory {
  readonly #options: HistoryOptions
  readonly informer: Informer<ControllerRevision>

  constructor(options: HistoryOptions) {
    this.#options = options
    this.informer = options.ctx.informers.indexed(resources.controllerRevisions, byController)
  }

  /** Oldest first. Adopts what an owner of the same selector left behind. */
  async list(owner: RevisionOwner): Promise<ControllerRevision[]> {
    const candidates = [
      ...this.informer.byIndex(byController.name, owner.metadata.uid ?? ''),
      ...this.informer.byIndex(byController.name, orphansOf(owner.metadata.namespace)),
    ]
    const target = { resource: resources.controllerRevisions, ownerResource: this.#options.resource, owner }
    return (await applyClaim(this.#options.ctx.client, target, claim(owner, candidates))).sort(byRevision)
  }

  /** The revision of the owner's template: the newest one, an old one that is the newest again, or one just made. */
  async present(key: string, owner: RevisionOwner, revisions: readonly ControllerRevision[]): Promise<PresentRevision> {
    const template = owner.spec?.template ?? {}
    const wanted = templateText(template)
    const newest = revisions.at(-1)
    const found = revisions.findLast(({ data }) => templateText(templateIn(data)) === wanted)
    const collisionCount = owner.status?.collisionCount ?? 0
    if (!found) return this.#create(key, owner, { revision: (newest?.revision ?? 0) + 1, collisionCount })
    if (found === newest) return { revision: found, collisionCount }
    const next = { ...found, revision: (newest?.revision ?? 0) + 1 }
    return { revision: await this.#options.ctx.client.update(resources.controllerRevisions, next), collisionCount }
  }

  /** Deletes the oldest revisions beyond the owner's limit; those in use stay and do not count. */
  async trim(
    owner: RevisionOwner,
    revisions: readonly ControllerRevision[],
    inUse: ReadonlySet<string>,
  ): Promise<void> {
    const limit = owner.spec?.revisionHistoryLimit ?? 10
    const unused = revisions.filter((revision) => !inUse.has(this.#options.identity(revision)))
    if (limit < 0 || unused.length <= limit) return
    const { client } = this.#options.ctx
    await Promise.all(
      unused
        .slice(0, unused.length - limit)
        .map(({ metadata }) => tolerateGone(client.delete(resources.controllerRevisions, metadata))),
    )
  }

  async #create(
    key: string,
    owner: RevisionOwner,
    { revision, collisionCount }: { revision: number; collisionCount: number },
  ): Promise<PresentRevision> {
    const { ctx, expectations } = this.#options
    for (let collisions = collisionCount; ; collisions++) {
      const wanted = this.#build(owner, revision, collisions)
      try {
        const create = () => ctx.client.create(resources.controllerRevisions, wanted)
        return { revision: await expectations.creating(key, create), collisionCount: collisions }
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error
        const existing = await ctx.client.get(resources.controllerRevisions, wanted.metadata)
        const ours = controllerOf(existing)?.uid === owner.metadata.uid
        const same = templateText(templateIn(existing.data)) === templateText(owner.spec?.template ?? {})
        if (ours && same) return { revision: existing, collisionCount: collisions }
      }
    }
  }

  #build(owner: RevisionOwner, revision: number, collisionCount: number): ControllerRevision {
    const template = owner.spec?.template ?? {}
    const hash = templateHash(template, collisionCount)
    const { name, namespace, annotations } = owner.metadata
    return {
      metadata: {
        name: `${name.slice(0, 223)}-${hash}`,
        ...(namespace && { namespace }),
        labels: { ...template.metadata?.labels, [this.#options.hashLabel]: hash },
        ...(annotations && { annotations: { ...annotations } }),
        ownerReferences: [controllerReference(this.#options.resource, owner)],
      },
      data: patchTo(template),
      revision,
    }
  }
}

function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x < y ? -1 : 1
}

/** Keys in order: kubectl tells by its bytes which revision an object has already. */
function patchTo(template: PodTemplateSpec): ControllerRevision['data'] {
  return JSON.parse(
    canonicalJson({ spec: { template: { ...template, $patch: 'replace' } } }),
  ) as ControllerRevision['data']
}

/** The template that a revision's `data` brings back. */
export function templateIn(data: unknown): PodTemplateSpec {
  return (data as { spec?: { template?: PodTemplateSpec } } | undefined)?.spec?.template ?? {}
}

/** Templates in caches are never mutated, so each is rendered once. */
const texts = new WeakMap<PodTemplateSpec, string>()

/** Equal for equal templates, directives of the patch aside. */
function templateText(template: PodTemplateSpec): string {
  let text = texts.get(template)
  if (text === undefined) {
    const { metadata, spec } = template
    text = canonicalJson({ metadata: metadata ?? {}, spec: spec ?? {} })
    texts.set(template, text)
  }
  return text
}
