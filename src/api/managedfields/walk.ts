/** Values against their topology: which fields there are, and which differ. */

import { isDeepStrictEqual } from 'node:util'
import { isObject } from '../machinery/json-object.ts'
import { type FieldPath, FieldSet } from './field-set.ts'
import { byStep, itemsOf } from './items.ts'
import { type ItemsTopology, itemTopology, ownValue, type Topology, unknownField } from './topology.ts'

/** The fields that a value of a client speaks of. */
export function appliedFields(value: object, topology: Topology): FieldSet {
  const set = new FieldSet()
  collect(value, topology, [], set)
  set.member = false
  return set
}

function collect(value: unknown, topology: Topology, path: FieldPath, set: FieldSet): void {
  if (topology.kind === 'whole' || value === null) return set.insert(path)
  if (topology.kind !== 'fields') return collectItems(value, topology, path, set)
  if (!isObject(value)) return set.insert(path)
  for (const [name, inner] of Object.entries(value)) {
    const field = topology.field(name)
    const at = [...path, `f:${name}`]
    if (field) collect(inner, field.topology, at, set)
    if (!field?.declared || inner === null || isEmptyObject(inner)) set.insert(at)
  }
}

function collectItems(value: unknown, topology: ItemsTopology, path: FieldPath, set: FieldSet): void {
  const items = itemsOf(value, topology)
  if (!items) return set.insert(path)
  for (const [step, values] of byStep(items)) {
    const at = [...path, step]
    if (topology.kind === 'keyed' && values.length === 1) collect(values[0], topology.item, at, set)
    set.insert(at)
  }
}

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0
}

/** Fields by what happened to them. Containers that came or went are named as well as what is in them. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

export function compare(before: object, after: object, topology: Topology): Comparison {
  const comparison = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() }
  compareAt(before, after, topology, [], comparison)
  return comparison
}

function compareAt(before: unknown, after: unknown, topology: Topology, path: FieldPath, result: Comparison): void {
  const parts = partsOf(before, after, topology)
  if (!parts) return compareWhole(before, after, path, result)
  for (const part of parts) {
    if ('items' in part) compareRepeated(part, [...path, part.step], result)
    else compareAt(part.a, part.b, part.topology, [...path, part.step], result)
  }
  if (before === undefined) result.added.insert(path)
  else if (after === undefined) result.removed.insert(path)
}

function compareWhole(before: unknown, after: unknown, path: FieldPath, result: Comparison): void {
  if (before === undefined) result.added.insert(path)
  else if (after === undefined) result.removed.insert(path)
  else if (!isDeepStrictEqual(before, after)) result.modified.insert(path)
}

/** Items with one key that are several, before or after, are one thing as long as they are several. */
function compareRepeated({ items: [a, b], topology }: RepeatedPart, path: FieldPath, result: Comparison): void {
  if (a.length > 1 && b.length > 1) return compareWhole(a, b, path, result)
  if (a.length > 1) {
    if (b.length > 0) compareAt(undefined, b[0], topology, path, result)
    result.removed.insert(path)
  } else {
    if (a.length > 0) compareAt(a[0], undefined, topology, path, result)
    result.added.insert(path)
  }
}

interface Part {
  readonly step: string
  readonly a: unknown
  readonly b: unknown
  readonly topology: Topology
}

interface RepeatedPart {
  readonly step: string
  readonly items: readonly [readonly unknown[], readonly unknown[]]
  readonly topology: Topology
}

/** undefined: to be looked at as a whole. Two empty things are: that keeps an empty one apart from none. */
function partsOf(before: unknown, after: unknown, topology: Topology): (Part | RepeatedPart)[] | undefined {
  if (topology.kind === 'whole') return undefined
  if (topology.kind !== 'fields') return itemParts(before ?? [], after ?? [], topology)
  const [a, b] = [before ?? {}, after ?? {}]
  if (!isObject(a) || !isObject(b)) return undefined
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  if (names.size === 0) return undefined
  return [...names].map((name) => {
    const { topology: inner, zero } = topology.field(name) ?? unknownField
    // In what is not there itself, nothing is.
    const valueIn = (whole: unknown, object: Record<string, unknown>) =>
      ownValue(object, name) ?? (whole === undefined ? undefined : zero)
    return { step: `f:${name}`, a: valueIn(before, a), b: valueIn(after, b), topology: inner }
  })
}

function itemParts(before: unknown, after: unknown, topology: ItemsTopology): (Part | RepeatedPart)[] | undefined {
  const [a, b] = [itemsOf(before, topology), itemsOf(after, topology)]
  if (!a || !b || a.length + b.length === 0) return undefined
  const [mine, theirs] = [byStep(a), byStep(b)]
  const item = itemTopology(topology)
  return [...new Set([...mine.keys(), ...theirs.keys()])].map((step) => {
    const [x, y] = [mine.get(step) ?? [], theirs.get(step) ?? []]
    return x.length > 1 || y.length > 1
      ? { step, items: [x, y], topology: item }
      : { step, a: x[0], b: y[0], topology: item }
  })
}
