/** What writes do to the ownership of fields (sigs.k8s.io/structured-merge-diff merge.Updater, k8s.io/apimachinery managedfields). */
import type { KubeObject } from '../machinery/object.ts'
import { type FieldPath, FieldSet } from './field-set.ts'
import { merge } from './merge.ts'
import { isSameManager, type ManagerId, type Owner } from './owners.ts'
import { prune } from './prune.ts'
import type { Topology } from './topology.ts'
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

/** An update takes what it changes or adds from all others, and nobody owns what it removed. */
export function recordUpdate(
  owners: readonly Owner[],
  { before, after }: { before: object; after: object },
  { id, now }: Writer,
  topology: Topology,
): Owner[] {
  const { added, modified, removed } = compare(before, after, topology)
  const touched = modified.union(added)
  const taken = touched.difference(notOwned)
  const others = owners
    .filter((owner) => !isSameManager(owner, id))
    .map((owner) => ({ ...owner, fields: owner.fields.difference(touched).difference(removed) }))
  const former = owners.find((owner) => isSameManager(owner, id))
  const fields = (former?.fields ?? new FieldSet()).difference(removed).union(taken)
  return [...others, { ...id, time: taken.isEmpty ? former?.time : now, fields }].filter((o) => !o.fields.isEmpty)
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
 * somebody else owns them. Throws ApplyConflict.
 */
export function applyConfig(
  owners: readonly Owner[],
  { live, config, canonical, force }: Application,
  { id, now }: Writer,
  topology: Topology,
): { object: KubeObject; owners: Owner[] } {
  const applied = appliedFields(config, topology)
  const fields = applied.difference(notOwned)
  const former = owners.find((owner) => isSameManager(owner, id))
  const others = owners.filter((owner) => owner !== former)
  const merged = merge(live, config, topology) as object
  const kept = others.reduce((sum, owner) => sum.union(owner.fields), applied)
  const object = canonical(former ? prune(merged, topology, { last: former.fields, kept }) : merged)
  const { added, modified, removed } = compare(live, object, topology)
  const touched = modified.union(added)
  const conflicts = others.flatMap((owner) =>
    [...owner.fields.intersection(touched).paths()].map((path) => ({ owner, path })),
  )
  if (!force && conflicts.length > 0) throw new ApplyConflict(conflicts)
  const unchanged = touched.difference(notOwned).isEmpty && removed.isEmpty && former?.fields.equals(fields)
  const mine: Owner = { ...id, time: unchanged ? former?.time : now, fields }
  const rest = others.map((owner) => ({ ...owner, fields: owner.fields.difference(touched).difference(removed) }))
  return { object, owners: [...rest, mine].filter((owner) => !owner.fields.isEmpty) }
}

/** Fields of a client-side applied configuration that still have the values it gave them. */
export function stillAsApplied(lastApplied: object, live: object, topology: Topology): FieldSet {
  const { added, modified, removed } = compare(lastApplied, live, topology)
  return appliedFields(lastApplied, topology).difference(modified).difference(added).difference(removed)
}
