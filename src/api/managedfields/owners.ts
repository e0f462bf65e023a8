/** Who owns which fields of an object: `metadata.managedFields`, read and written. */
import type { ManagedFieldsEntry } from '../generated/meta.v1.ts'
import { FieldSet, type FieldsV1 } from './field-set.ts'

/** A manager applies under its name alone; for updates, their version and subresource tell apart as well. */
export interface ManagerId {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  /** '' for the object itself. */
  readonly subresource: string
}

export interface Owner extends ManagerId {
  /** RFC 3339. */
  readonly time: string | undefined
  readonly fields: FieldSet
}

export function isSameManager(a: ManagerId, b: ManagerId): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  )
}

/** undefined: not what this server or another wrote. */
export function decodeOwners(entries: readonly ManagedFieldsEntry[]): Owner[] | undefined {
  const owners: Owner[] = []
  for (const entry of entries) {
    const { manager = '', operation, apiVersion = '', subresource = '', time, fieldsType, fieldsV1 = {} } = entry
    if (operation !== 'Apply' && operation !== 'Update') return undefined
    if ((fieldsType ?? 'FieldsV1') !== 'FieldsV1' || !isFieldsV1(fieldsV1)) return undefined
    const fields = FieldSet.fromFieldsV1(fieldsV1)
    owners.push({ manager, operation, apiVersion, subresource, time, fields })
  }
  return owners
}

const step = /^(?:\.|f:.*|i:\d+)$/s

function isFieldsV1(value: unknown): value is FieldsV1 {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([name, below]) => isStep(name) && isFieldsV1(below))
}

function isStep(name: string): boolean {
  if (!/^[kv]:/.test(name)) return step.test(name)
  try {
    const value: unknown = JSON.parse(name.slice(2))
    return name.startsWith('v:') || (typeof value === 'object' && value !== null)
  } catch {
    return false
  }
}

/** In upstream's order: those who apply first, then by time and name. */
export function encodeOwners(owners: readonly Owner[]): ManagedFieldsEntry[] {
  return withoutAncient(owners)
    .filter(({ fields }) => !fields.isEmpty)
    .sort((a, b) =>
      compareBy(a, b, ({ operation, time = '', manager, apiVersion, subresource }) => [
        operation,
        time,
        manager,
        apiVersion,
        subresource,
      ]),
    )
    .map(({ manager, operation, apiVersion, subresource, time, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time && { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fields.toFieldsV1(),
      ...(subresource && { subresource }),
    }))
}

function compareBy<T>(a: T, b: T, keys: (value: T) => readonly string[]): number {
  const theirs = keys(b)
  for (const [i, key] of keys(a).entries()) {
    const other = theirs[i] ?? ''
    if (key !== other) return key < other ? -1 : 1
  }
  return 0
}

/** More updaters than this share entries, the oldest first, one for each version. */
const updatersMax = 10
const ancient = 'ancient-changes'

function withoutAncient(owners: readonly Owner[]): Owner[] {
  const updaters = owners
    .filter(({ operation }) => operation === 'Update')
    .sort((a, b) => compareBy(a, b, ({ time = '', manager }) => [time, manager]))
  let excess = updaters.length - updatersMax
  const buckets = new Map<string, Owner[]>()
  for (const updater of updaters) {
    if (excess <= 0) break
    const bucket = buckets.get(updater.apiVersion)
    if (bucket) {
      bucket.push(updater)
      excess--
    } else buckets.set(updater.apiVersion, [updater])
  }
  const shared = [...buckets.values()].filter((bucket) => bucket.length > 1)
  const gone = new Set(shared.flat())
  return [...owners.filter((owner) => !gone.has(owner)), ...shared.map(asOne)]
}

function asOne(bucket: readonly Owner[]): Owner {
  return {
    manager: ancient,
    operation: 'Update',
    apiVersion: bucket[0]?.apiVersion ?? '',
    subresource: '',
    time: bucket.at(-1)?.time,
    fields: bucket.reduce((sum, { fields }) => sum.union(fields), new FieldSet()),
  }
}
