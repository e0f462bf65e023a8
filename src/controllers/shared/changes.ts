/** What a change of a dependent means to controllers of one kind: which expectations it meets, whom they look at next. */
import { isPodTerminating } from '../../api/core/pod/conditions.ts'
import type { ControllerRevision } from '../../api/generated/apps.v1.ts'
import type { Pod } from '../../api/generated/v1.ts'
import { controllerOf } from '../../api/machinery/object.ts'
import type { CacheChange } from '../../client/contract.ts'
import type { Expectations } from './expectations.ts'
import { type Owner, ownersToSync } from './owners.ts'

export interface Dependents {
  /** Of the owners. */
  readonly kind: string
  readonly expectations: Expectations
}

/** Returns the keys of the owners to reconcile; `owners` are asked for only when the pod is an orphan. */
export function observePod(
  change: CacheChange<Pod>,
  { kind, expectations, owners }: Dependents & { readonly owners: (namespace: string) => readonly Owner[] },
): string[] {
  const { object, type } = change
  const owner = controllerOf(object)
  if (owner?.kind === kind) {
    const key = `${object.metadata.namespace}/${owner.name}`
    const uid = object.metadata.uid ?? ''
    if (type === 'added') expectations.observedCreation(key, uid)
    if (type === 'deleted' || isPodTerminating(object)) expectations.observedDeletion(key, uid)
  }
  return ownersToSync(change, { kind, owners })
}

/** Returns the key of the owner to reconcile. Revisions are updated by their own controller alone: nothing to see. */
export function observeRevision(
  { type, object }: CacheChange<ControllerRevision>,
  { kind, expectations }: Dependents,
): string | undefined {
  const owner = controllerOf(object)
  if (owner?.kind !== kind || type === 'updated') return undefined
  const key = `${object.metadata.namespace}/${owner.name}`
  if (type === 'added') expectations.observedCreation(key, object.metadata.uid ?? '')
  return key
}
