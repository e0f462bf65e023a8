/** A write as owners see it: each in the API version that its fields are named in. */
import type { FieldSet } from './field-set.ts'
import type { Topology } from './topology.ts'
import { compare } from './walk.ts'

export interface View {
  readonly topology: Topology
  /** From the version of the request. Does not change its argument. */
  readonly convert: (object: object) => object
}

/** By apiVersion; undefined: such objects are not served in that version. */
export type Views = (apiVersion: string) => View | undefined

export interface Change {
  /** Fields that were added or have other values. */
  readonly touched: FieldSet
  readonly removed: FieldSet
}

/** What is between two objects, by apiVersion, worked out once where it is asked for. */
export function changes(before: object, after: object, views: Views): (apiVersion: string) => Change | undefined {
  const known = new Map<string, Change | undefined>()
  return (apiVersion) => {
    if (known.has(apiVersion)) return known.get(apiVersion)
    const change = changeIn(before, after, views(apiVersion))
    known.set(apiVersion, change)
    return change
  }
}

function changeIn(before: object, after: object, view: View | undefined): Change | undefined {
  if (!view) return undefined
  const { added, modified, removed } = compare(view.convert(before), view.convert(after), view.topology)
  return { touched: modified.union(added), removed }
}
