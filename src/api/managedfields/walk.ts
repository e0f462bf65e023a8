/** Values against their topology: which fields there are, which differ, how one is merged into another or taken out. */
import { isDeepStrictEqual } from 'node:util'
import { type FieldPath, FieldSet, formatPath } from './field-set.ts'
import { appliedItems, type Item, isObject, itemsOf } from './items.ts'
import type { Topology } from './topology.ts'

/** Fields of a value that a client applies. Throws FieldsError. */
export function appliedFields(value: object, topology: Topology): FieldSet {
  const set = new FieldSet()
  collect(value, topology, [], set)
  set.member = false
  return set
}

function collect(value: unknown, topology: Topology, path: FieldPath, set: FieldSet): void {
  if (topology.kind === 'whole' || value === null) return set.insert(path)
  if (topology.kind !== 'fields') {
    for (const item of appliedItems(value, topology, formatPath(path))) {
      const at = [...path, item.step]
      if (topology.kind === 'keyed') collect(item.value, topology.item, at, set)
      set.insert(at)
    }
    return
  }
  if (!isObject(value)) return set.insert(path)
  for (const [name, inner] of Object.entries(value)) {
    const field = topology.field(name)
    const at = [...path, `f:${name}`]
    if (field) collect(inner, field.topology, at, set)
    if (!field?.declared || inner === null || isEmptyObject(inner)) set.insert(at)
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
  for (const { step, a, b, topology: inner } of parts) compareAt(a, b, inner, [...path, step], result)
  if (before === undefined) result.added.insert(path)
  else if (after === undefined) result.removed.insert(path)
}

function compareWhole(before: unknown, after: unknown, path: FieldPath, result: Comparison): void {
  if (before === undefined) result.added.insert(path)
  else if (after === undefined) result.removed.insert(path)
  else if (!isDeepStrictEqual(before, after)) result.modified.insert(path)
}

interface Part {
  readonly step: string
  readonly a: unknown
  readonly b: unknown
  readonly topology: Topology
}

const whole: Topology = { kind: 'whole' }

/** undefined: to be looked at as a whole. Two empty things are: that keeps an empty one apart from none. */
function partsOf(before: unknown, after: unknown, topology: Topology): Part[] | undefined {
  if (topology.kind === 'whole') return undefined
  if (topology.kind === 'fields') {
    const [a, b] = [before ?? {}, after ?? {}]
    if (!isObject(a) || !isObject(b)) return undefined
    const names = new Set([...Object.keys(a), ...Object.keys(b)])
    if (names.size === 0) return undefined
    return [...names].map((name) => ({
      step: `f:${name}`,
      a: a[name],
      b: b[name],
      topology: topology.field(name)?.topology ?? whole,
    }))
  }
  const a = itemsOf(before ?? [], topology)
  const b = itemsOf(after ?? [], topology)
  if (!a || !b || a.length + b.length === 0) return undefined
  const item = topology.kind === 'keyed' ? topology.item : whole
  const [mine, theirs] = [byStep(a), byStep(b)]
  return [...new Set([...mine.keys(), ...theirs.keys()])].map((step) => ({
    step,
    a: mine.get(step),
    b: theirs.get(step),
    topology: item,
  }))
}

function byStep(items: readonly Item[]): Map<string, unknown> {
  return new Map(items.map(({ step, value }) => [step, value]))
}

/** `config` over `live`: what it does not speak of stays. Neither is changed. */
export function merge(live: unknown, config: unknown, topology: Topology): unknown {
  if (config === undefined) return live
  if (topology.kind === 'whole' || live === undefined || live === null || config === null)
    return structuredClone(config)
  if (topology.kind === 'fields') {
    if (!isObject(live) || !isObject(config)) return structuredClone(config)
    const merged: Record<string, unknown> = { ...live }
    for (const [name, value] of Object.entries(config)) {
      const before = Object.hasOwn(live, name) ? live[name] : undefined
      define(merged, name, merge(before, value, topology.field(name)?.topology ?? whole))
    }
    return merged
  }
  const [mine, theirs] = [itemsOf(live, topology), itemsOf(config, topology)]
  if (!mine || !theirs) return structuredClone(config)
  return mergeItems(mine, theirs, topology.kind === 'keyed' ? topology.item : whole)
}

/** The config's items in its order; in between, where they were, those it does not name. */
function mergeItems(live: readonly Item[], config: readonly Item[], topology: Topology): unknown[] {
  const named = new Set(config.map(({ step }) => step))
  const before = byStep(live)
  const merged: unknown[] = []
  const shared = config.filter(({ step }) => before.has(step)).map(({ step }) => step)
  let i = 0
  let s = 0
  for (const { step, value } of config) {
    const nextShared = shared[s]
    for (let item = live[i]; item && item.step !== nextShared; item = live[++i]) {
      if (!named.has(item.step)) merged.push(item.value)
    }
    merged.push(merge(before.get(step), value, topology))
    if (step !== nextShared) continue
    i++
    s++
  }
  for (const item of live.slice(i)) if (!named.has(item.step)) merged.push(item.value)
  return merged
}

/** `__proto__` is a name like any other. */
function define(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

/**
 * Takes out what was applied before (`last`) and belongs to nobody now (`kept`). An item or entry goes with all that is
 * in it unless somebody keeps a part of it. Returns undefined when nothing is left of a value that nobody keeps.
 */
export function prune(value: unknown, topology: Topology, last: FieldSet, kept: FieldSet | undefined): unknown {
  const isKept = kept !== undefined && !kept.isEmpty
  if (last.member && !isKept) return undefined
  if (topology.kind === 'fields' && isObject(value)) {
    const rest: Record<string, unknown> = {}
    for (const [name, inner] of Object.entries(value)) {
      const step = `f:${name}`
      const below = last.child(step)
      const next = below ? prune(inner, topology.field(name)?.topology ?? whole, below, kept?.child(step)) : inner
      if (next !== undefined) define(rest, name, next)
    }
    return Object.keys(rest).length > 0 || isKept || Object.keys(value).length === 0 ? rest : undefined
  }
  const items = topology.kind === 'keyed' || topology.kind === 'set' ? itemsOf(value, topology) : undefined
  if (!items) return value
  const inner = topology.kind === 'keyed' ? topology.item : whole
  const rest = items
    .map(({ step, value: item }) => {
      const below = last.child(step)
      return below ? prune(item, inner, below, kept?.child(step)) : item
    })
    .filter((item) => item !== undefined)
  return rest.length > 0 || isKept || items.length === 0 ? rest : undefined
}
