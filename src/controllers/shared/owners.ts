/** Who controls what: owner references of controllers, and which objects a controller claims, adopts or lets go. */
import type { KubeObject, LabelSelector, OwnerReference } from '../../api/machinery/object.ts'
import { controllerOf, objectKey } from '../../api/machinery/object.ts'
import type { CacheChange, KubeClient, Resource } from '../../client/contract.ts'
import type { Index } from '../context.ts'
import { tolerateReplaced } from './gone.ts'
import { selectorMatcher } from './selector.ts'

export interface Owner extends KubeObject {
  spec?: { selector?: LabelSelector }
}

export function controllerReference(resource: Resource<KubeObject>, { metadata }: KubeObject): OwnerReference {
  return {
    apiVersion: resource.group ? `${resource.group}/${resource.version}` : resource.version,
    kind: resource.kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** Objects by the uid of their controller; orphans under `orphans/NAMESPACE`. */
export const byController: Index<KubeObject> = {
  name: 'controller',
  keys: (object) => [controllerOf(object)?.uid ?? orphansOf(object.metadata.namespace)],
}

export function orphansOf(namespace: string | undefined): string {
  return `orphans/${namespace ?? ''}`
}

export interface Claim<T> {
  /** Controlled by the owner and matching its selector. */
  readonly owned: T[]
  /** Orphans that match. */
  readonly adopt: T[]
  /** Controlled by the owner and not matching any more. */
  readonly release: T[]
}

export function claim<T extends KubeObject>(owner: Owner, candidates: readonly T[]): Claim<T> {
  const matches = selectorMatcher(owner.spec?.selector)
  const result: Claim<T> = { owned: [], adopt: [], release: [] }
  for (const object of candidates) {
    const controller = controllerOf(object)
    const match = matches(object.metadata.labels ?? {})
    if (controller?.uid === owner.metadata.uid) (match ? result.owned : result.release).push(object)
    else if (!controller && match && !object.metadata.deletionTimestamp) result.adopt.push(object)
  }
  // A dying owner neither adopts nor releases.
  if (owner.metadata.deletionTimestamp) return { owned: result.owned, adopt: [], release: [] }
  return result
}

/** Carries a claim out and returns what is owned afterwards. */
export async function applyClaim<T extends KubeObject>(
  client: KubeClient,
  {
    resource,
    ownerResource,
    owner,
    finalizers,
  }: {
    resource: Resource<T>
    ownerResource: Resource<KubeObject>
    owner: KubeObject
    /** What adopted objects get, too. */
    finalizers?: readonly string[]
  },
  { owned, adopt, release }: Claim<T>,
): Promise<T[]> {
  if (adopt.length === 0 && release.length === 0) return owned
  if (adopt.length > 0) await requireAlive(client, ownerResource, owner)
  const ownerUid = owner.metadata.uid
  const adopted = await Promise.all(
    adopt.map((object) =>
      tolerateReplaced(
        client.patch(resource, object.metadata, {
          metadata: {
            uid: object.metadata.uid,
            ownerReferences: [controllerReference(ownerResource, owner)],
            ...(finalizers && { finalizers }),
          },
        }),
      ),
    ),
  )
  await Promise.all(
    release.map((object) =>
      tolerateReplaced(
        client.patch(resource, object.metadata, {
          metadata: { uid: object.metadata.uid, ownerReferences: [{ $patch: 'delete', uid: ownerUid }] },
        }),
      ),
    ),
  )
  return [...owned, ...adopted.filter((object) => object !== undefined)]
}

/** The cache may not know yet that the owner is being deleted; adopting then would take orphans along. */
async function requireAlive(client: KubeClient, resource: Resource<KubeObject>, owner: KubeObject): Promise<void> {
  const fresh = await client.get(resource, owner.metadata)
  if (fresh.metadata.uid !== owner.metadata.uid || fresh.metadata.deletionTimestamp)
    throw new Error(`${resource.kind} ${objectKey(owner)} is being deleted and cannot adopt`)
}

/**
 * The keys of the owners that a change of one of their objects concerns: its controller, its former one, and for an
 * orphan every owner in the namespace whose selector matches.
 */
export function ownersToSync(
  change: CacheChange<KubeObject>,
  { kind, owners }: { kind: string; owners: (namespace: string) => readonly Owner[] },
): string[] {
  const { object } = change
  const namespace = object.metadata.namespace ?? ''
  const keys = new Set<string>()
  const addController = (of: KubeObject) => {
    const ref = controllerOf(of)
    if (ref?.kind === kind) keys.add(`${namespace}/${ref.name}`)
    return ref !== undefined
  }
  if (change.type === 'updated') addController(change.old)
  if (!addController(object) && change.type !== 'deleted') {
    for (const owner of owners(namespace)) {
      if (selectorMatcher(owner.spec?.selector)(object.metadata.labels ?? {})) keys.add(objectKey(owner))
    }
  }
  return [...keys]
}
