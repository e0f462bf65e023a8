/** What writes do to the ownership of fields (sigs.k8s.io/structured-merge-diff merge.Updater, k8s.io/apimachinery managedfields). */
import type { KubeObject } from '../machinery/object.ts'
import { type FieldPath, FieldSet } from './field-set.ts'
import { merge } from './merge.ts'
import { isSameManager, type ManagerId, type Owner } from './owners.ts'
import { prune } from './prune.ts'
import type { Topology } from './topology.ts'
import { type Change, changes, type Views } from './views.ts'
import { appliedFields, compare } from './walk.ts'

/** Nobody owns these: the server keeps them, or they name the object. */
const notOwned = new FieldSet()
for (const name of ['apiVersion', 'kind', 'metadata']) notOwned.insert([`f:${name}`])
const serversOwn = ['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'generation', 'resourceVersion']
for (const name of [...serversOwn, 'managedFields', 'deletionTimestamp', 'deletionGracePeriodSeconds']) {
  notOwned.insert(['f:metadata', `f:${name}`])
}

export interface Writer {
  readonly id: ManagerId
  /** RFC 3339. */
  readonly now: string
}

/**
 * An update takes what it changes or adds from all others, and nobody owns what it removed. `views`: of objects of the
 * writer's version.
 */
export function recordUpdate(
  owners: readonly Owner[],
  { before, after }: { before: object; after: object },
  { id, now }: Writer,
  views: Views,
): Owner[] {
  const changeIn = changes(before, after, views)
  const own = changeIn(id.apiVersion) ?? { touched: new FieldSet(), removed: new FieldSet() }
  const taken = own.touched.difference(notOwned)
  const others = owners.filter((owner) => !isSameManager(owner, id))
  const former = owners.find((owner) => isSameManager(owner, id))
  const fields = (former?.fields ?? new FieldSet()).difference(own.removed).union(taken)
  const mine: Owner = { ...id, time: taken.isEmpty ? former?.time : now, fields }
  return [...leftTo(others, changeIn), mine].filter((owner) => !owner.fields.isEmpty)
}

/** What others still own after a change. Who knows the object by a version that is gone owns nothing. */
function leftTo(others: readonly Owner[], changeIn: (apiVersion: string) => Change | undefined): Owner[] {
  return others.flatMap((owner) => {
    const change = changeIn(owner.apiVersion)
    return change ? [{ ...owner, fields: owner.fields.difference(change.touched).difference(change.removed) }] : []
  })
}

export interface Conflict {
  readonly owner: Owner
  readonly path: FieldPath
}

export class ApplyConflict extends Error {
  readonly conflicts: readonly Conflict[]

  constructor(conflicts: readonly Conflict[]) {
    super('apply conflict')
    this.name = 'ApplyConflict'
    this.conflicts = conflicts
  }
}

export interface Application {
  readonly live: KubeObject
  readonly config: object
  /** Brings the merged object into the form that live objects have, so that only real changes count as such. */
  readonly canonical: (merged: object) => KubeObject
  /** Others' values may be overwritten. */
  readonly force: boolean
}

/**
 * What a client wants, merged into what is there: its fields are its own from now on, those it no longer names go unless
 * somebody else owns them. (Fields that are spelled differently in another version are not found there.) `views`: of
 * objects of the writer's version. Throws ApplyConflict.
 */
export function applyConfig(
  owners: readonly Owner[],
  { live, config, canonical, force }: Application,
  { id, now }: Writer,
  { topology, views }: { topology: Topology; views: Views },
): { object: KubeObject; owners: Owner[] } {
  const applied = appliedFields(config, topology)
  const fields = applied.difference(notOwned)
  const former = owners.find((owner) => isSameManager(owner, id))
  const others = owners.filter((owner) => owner !== former)
  const merged = merge(live, config, topology) as object
  const kept = others.reduce((sum, owner) => sum.union(owner.fields), applied)
  const object = canonical(former ? prune(merged, topology, { last: former.fields, kept }) : merged)
  const changeIn = changes(live, object, views)
  const conflicts = others.flatMap((owner) => conflictsWith(owner, changeIn(owner.apiVersion)))
  if (!force && conflicts.length > 0) throw new ApplyConflict(conflicts)
  const own = changeIn(id.apiVersion)
  const isSame = own?.touched.difference(notOwned).isEmpty && own.removed.isEmpty && former?.fields.equals(fields)
  const mine: Owner = { ...id, time: isSame ? former?.time : now, fields }
  return { object, owners: [...leftTo(others, changeIn), mine].filter((owner) => !owner.fields.isEmpty) }
}

function conflictsWith(owner: Owner, change: Change | undefined): Conflict[] {
  return change ? [...owner.fields.intersection(change.touched).paths()].map((path) => ({ owner, path })) : []
}

/** Fields of a client-side applied configuration that still have the values it gave them. */
export function stillAsApplied(lastApplied: object, live: object, topology: Topology): FieldSet {
  const { added, modified, removed } = compare(lastApplied, live, topology)
  return appliedFields(lastApplied, topology).difference(modified).difference(added).difference(removed)
}
